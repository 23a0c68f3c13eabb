/* status.h - what can go wrong, and how a failure is described.
 *
 * A function that returns an enum loss_status has, when that is not LOSS_OK, filled the struct
 * loss_error it was given: which failure, one sentence a person can act on (what was found, where,
 * what was expected) and, when known, the place.  The codes are stable: programs may match on
 * them; the sentences are for people and may change.  Functions that only find, choose or take
 * something return NULL or false instead.
 *
 * This table is the whole vocabulary of the program, so that a code means the same in the library,
 * on the command line and over HTTP.  Which of them libloss itself returns, its functions say. */
#ifndef LOSS_STATUS_H
#define LOSS_STATUS_H

#ifdef __cplusplus
extern "C" {
#endif

#define LOSS_STATUS_TABLE(X)                                                                       \
    X(LOSS_OK, "ok", "success")                                                                    \
    /* a value */                                                                                  \
    X(LOSS_UNKNOWN_VALUE, "unknown_value", "a word is not one of those allowed here")              \
    X(LOSS_VALUE_OUT_OF_RANGE, "value_out_of_range", "a number is outside its range")              \
    X(LOSS_UNKNOWN_DTYPE, "unknown_dtype", "the dtype is not one that can be used here")           \
    X(LOSS_TARGET_NOT_INTEGER, "target_not_integer", "a class index is not an integer")            \
    X(LOSS_TARGET_OUT_OF_RANGE, "target_out_of_range", "a class index names no class")             \
    /* a shape */                                                                                  \
    X(LOSS_INVALID_SHAPE, "invalid_shape", "a tensor has a shape that means nothing here")         \
    X(LOSS_SHAPE_MISMATCH, "shape_mismatch", "two tensors have shapes that do not fit")            \
    X(LOSS_TOO_MANY_ELEMENTS, "too_many_elements", "a tensor exceeds the limit on elements")       \
    /* a shortage */                                                                               \
    X(LOSS_OUT_OF_MEMORY, "out_of_memory", "there is not enough memory; try again later")          \
    X(LOSS_DEADLINE_EXCEEDED, "deadline_exceeded", "the time allowed for the request is over")     \
    /* the text of a request */                                                                    \
    X(LOSS_EMPTY_BODY, "empty_body", "the body is empty")                                          \
    X(LOSS_INVALID_JSON, "invalid_json", "the body is not well-formed JSON")                       \
    X(LOSS_TRAILING_DATA, "trailing_data", "something follows the JSON value")                     \
    X(LOSS_EXPECTED_OBJECT, "expected_object", "the body is not a JSON object")                    \
    X(LOSS_DUPLICATE_KEY, "duplicate_key", "an object has the same key twice")                     \
    X(LOSS_INVALID_UTF8, "invalid_utf8", "a string is not valid UTF-8")                            \
    X(LOSS_TOO_DEEP, "too_deep", "the JSON is nested too deeply")                                  \
    X(LOSS_NON_FINITE, "non_finite_not_allowed", "NaN and infinities are allowed in tensors only") \
    X(LOSS_NUMBER_OUT_OF_RANGE, "number_out_of_range", "a number is too large for its type")       \
    X(LOSS_WRONG_TYPE, "wrong_type", "a value has the wrong JSON type")                            \
    X(LOSS_MISSING_FIELD, "missing_field", "a required field is missing")                          \
    X(LOSS_CONFLICTING_FIELDS, "conflicting_fields", "two fields exclude each other")              \
    X(LOSS_UNKNOWN_FIELD, "unknown_field", "the request has an unknown field")                     \
    X(LOSS_RAGGED_ARRAY, "ragged_array", "the rows of an array differ in length")                  \
    X(LOSS_INVALID_SAFETENSORS, "invalid_safetensors",                                             \
      "the body is not a well-formed safetensors file")                                            \
    /* HTTP */                                                                                     \
    X(LOSS_BAD_FRAMING, "bad_framing", "the request's headers are malformed or ambiguous")         \
    X(LOSS_INVALID_CODING, "invalid_coding", "the body is not what its Content-Encoding says")     \
    X(LOSS_BAD_PATH, "bad_path", "the path has a malformed escape")                                \
    X(LOSS_UNAUTHORIZED, "unauthorized", "the request shows no token that is known here")          \
    X(LOSS_NOT_FOUND, "not_found", "there is nothing at this path")                                \
    X(LOSS_METHOD_NOT_ALLOWED, "method_not_allowed", "the path does not take this method")         \
    X(LOSS_NOT_ACCEPTABLE, "not_acceptable", "no form of the reply is one that Accept takes")      \
    X(LOSS_REQUEST_TIMEOUT, "request_timeout", "the request arrived too slowly")                   \
    X(LOSS_LENGTH_REQUIRED, "length_required", "the request has no body and no Content-Length")    \
    X(LOSS_BODY_TOO_LARGE, "body_too_large", "the body exceeds the limit")                         \
    X(LOSS_UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", "the Content-Type is not taken here") \
    X(LOSS_UNSUPPORTED_ENCODING, "unsupported_encoding", "the Content-Encoding is not taken here") \
    X(LOSS_EXPECTATION_FAILED, "expectation_failed", "only Expect: 100-continue is understood")    \
    X(LOSS_NOT_IMPLEMENTED, "not_implemented", "this part of a protocol is not offered here")      \
    X(LOSS_INTERNAL_ERROR, "internal_error", "a fault of the server, not of the request")          \
    X(LOSS_QUEUE_FULL, "queue_full", "too many requests are waiting; try again later")             \
    X(LOSS_CLIENT_GONE, "client_gone", "the client had gone when its turn came")                   \
    X(LOSS_CLIENT_QUOTA, "client_quota", "this client has enough requests being served already")   \
    X(LOSS_TOO_MANY_CONNECTIONS, "too_many_connections",                                           \
      "too many connections are open; try again later")                                            \
    X(LOSS_MEMORY_BUDGET_FULL, "memory_budget_full", "the memory budget is used up; try later")    \
    X(LOSS_DRAINING, "draining", "the server is shutting down")

#define LOSS_STATUS_ENUM(name, code, text) name,
enum loss_status { LOSS_STATUS_TABLE(LOSS_STATUS_ENUM) LOSS_STATUS_COUNT };
#undef LOSS_STATUS_ENUM

/* A failure.  `sentence` and `where` always end in NUL; both are cut, never overrun.  `where` is a
 * JSON pointer (RFC 6901, begins with '/'), or a byte offset in decimal digits, or empty. */
struct loss_error {
    enum loss_status status;
    char sentence[320];
    char where[128];
};

/* The stable snake_case code, and the general text, of any status.  Static strings. */
const char *loss_status_code(enum loss_status status);
const char *loss_status_text(enum loss_status status);

/* Fill *error and return `status`, so that a failing path is one line.  `where` may be NULL. */
#if defined(__GNUC__)
__attribute__((format(printf, 4, 5)))
#endif
enum loss_status
loss_fail(struct loss_error *error, enum loss_status status, const char *where, const char *format,
          ...);

/* The same with the status's general text, where there is nothing more to say; and for a shortage
 * of memory, the commonest of those. */
enum loss_status loss_fail_plainly(struct loss_error *error, enum loss_status status);
enum loss_status loss_fail_memory(struct loss_error *error);

#ifdef __cplusplus
}
#endif

#endif
