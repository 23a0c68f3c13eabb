/* page.c - the table of the page's files. */
#include "page/page.h"

#include <string.h>

#define HTML "text/html; charset=utf-8"
#define CSS  "text/css; charset=utf-8"
#define JS   "text/javascript; charset=utf-8"
#define SVG  "image/svg+xml"
#define JSON "application/json"

/*    name, what the Makefile calls its content, media type */
#define PAGE_TABLE(X)                       \
    X("", index_html, HTML)                 \
    X("style.css", style_css, CSS)          \
    X("icon.svg", icon_svg, SVG)            \
    X("digits.json", digits_json, JSON)     \
    X("batch.js", batch_js, JS)             \
    X("call.js", call_js, JS)               \
    X("copies.js", copies_js, JS)           \
    X("diagrams.js", diagrams_js, JS)       \
    X("element.js", element_js, JS)         \
    X("exposition.js", exposition_js, JS)   \
    X("failure.js", failure_js, JS)         \
    X("heat.js", heat_js, JS)               \
    X("json.js", json_js, JS)               \
    X("live.js", live_js, JS)               \
    X("main.js", main_js, JS)               \
    X("moments.js", moments_js, JS)         \
    X("numbers.js", numbers_js, JS)         \
    X("options.js", options_js, JS)         \
    X("pipeline.js", pipeline_js, JS)       \
    X("result.js", result_js, JS)           \
    X("safetensors.js", safetensors_js, JS) \
    X("summary.js", summary_js, JS)

#define PAGE_EXTERN(name, file, type) extern const struct embedded embedded_##file;
PAGE_TABLE(PAGE_EXTERN)
#undef PAGE_EXTERN

static const struct page_file files[] = {
#define PAGE_ROW(name, file, type) {name, type, &embedded_##file},
    PAGE_TABLE(PAGE_ROW)
#undef PAGE_ROW
};

const struct page_file *page_find(const char *name)
{
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        if (strcmp(files[i].name, name) == 0)
            return &files[i];
    }
    return NULL;
}
