/* tensor.h - a view of numbers with a type and a shape.  A view never owns what it points to. */
#ifndef LOSS_TENSOR_H
#define LOSS_TENSOR_H

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { LOSS_RANK_MAX = 32 };

/*    name, what it is called, bytes, whether it is floating point */
#define LOSS_DTYPE_TABLE(X)               \
    X(LOSS_FLOAT32, "float32", 4, true)   \
    X(LOSS_FLOAT64, "float64", 8, true)   \
    X(LOSS_FLOAT16, "float16", 2, true)   \
    X(LOSS_BFLOAT16, "bfloat16", 2, true) \
    X(LOSS_INT64, "int64", 8, false)      \
    X(LOSS_INT32, "int32", 4, false)      \
    X(LOSS_INT16, "int16", 2, false)      \
    X(LOSS_INT8, "int8", 1, false)        \
    X(LOSS_UINT8, "uint8", 1, false)

#define LOSS_DTYPE_ENUM(name, text, bytes, floating) name,
enum loss_dtype { LOSS_DTYPE_TABLE(LOSS_DTYPE_ENUM) LOSS_DTYPE_COUNT };
#undef LOSS_DTYPE_ENUM

/* Elements lie in C order (last index fastest), in the machine's byte order, aligned to their size.
 * Rank 0 is a single number.  `data` may be NULL only if there are no elements. */
struct loss_tensor {
    enum loss_dtype dtype;
    unsigned rank; /* 0 .. LOSS_RANK_MAX */
    size_t shape[LOSS_RANK_MAX];
    const void *data;
};

/* Static facts of a dtype.  The name is as in PyTorch. */
const char *loss_dtype_name(enum loss_dtype dtype);
size_t loss_dtype_bytes(enum loss_dtype dtype);
bool loss_dtype_is_floating(enum loss_dtype dtype);

/* Find a dtype by name.  False, with *dtype untouched, if there is none. */
bool loss_dtype_find(const char *name, enum loss_dtype *dtype);

/* How many elements the shape has; SIZE_MAX if their bytes would not fit a size_t. */
size_t loss_tensor_elements(const struct loss_tensor *tensor);

/* Element `index` in C order; and store one in an array of a floating dtype, rounded once, to
 * nearest even: what is too large becomes infinite. */
double loss_tensor_number(const struct loss_tensor *tensor, size_t index);
void loss_dtype_store(enum loss_dtype dtype, void *to, size_t index, double value);

bool loss_tensor_same_shape(const struct loss_tensor *a, const struct loss_tensor *b);

/* Write the shape as "[2, 3]", cut to `size` bytes with the NUL, 1 at least; returns `text`. */
const char *loss_tensor_describe(const struct loss_tensor *tensor, char *text, size_t size);

/* Write the JSON pointer (RFC 6901) "/name/1/2" of the element at `index` (in C order), cut like
 * the shape; `name` may have no '/' and no '~'.  Returns `text`. */
const char *loss_tensor_pointer(const struct loss_tensor *tensor, const char *name, size_t index,
                                char *text, size_t size);

/* Write the same place as "name[1][2]", as a sentence would call it, cut
 * likewise; returns `text`. */
const char *loss_tensor_place(const struct loss_tensor *tensor, const char *name, size_t index,
                              char *text, size_t size);

#ifdef __cplusplus
}
#endif

#endif
