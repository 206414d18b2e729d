/* console/: which files an address may name, and what a client asks for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/text.h"
#include "console/accept.h"
#include "console/name.h"

#include <string.h>

static void assert_names(const char *path, const char *file, const char *content_type, bool immutable)
{
    struct console_name name;
    if (!console_name_read(path, &name))
        fail_msg("%s names nothing", path);
    assert_string_equal(name.file, file);
    assert_string_equal(name.content_type, content_type);
    assert_int_equal(name.immutable, immutable);
}

static void addresses_name_files(void **state)
{
    (void)state;
    assert_names("/console/", "index.html", "text/html; charset=utf-8", false);
    assert_names("/console/index.html", "index.html", "text/html; charset=utf-8", false);
    assert_names("/console/icon.svg", "icon.svg", "image/svg+xml", false);
    assert_names("/console/assets/index-B2_x-9.js", "assets/index-B2_x-9.js",
                 "text/javascript; charset=utf-8", true);
    assert_names("/console/assets/a.b.css", "assets/a.b.css", "text/css; charset=utf-8", true);
    assert_names("/console/assets/font-0.woff2", "assets/font-0.woff2", "font/woff2", true);
}

static void other_addresses_name_nothing(void **state)
{
    static const char *const paths[] = {
        "",
        "/",
        "/console",
        "/consoles/index.html",
        "/console/..",
        "/console/../store/sealwright.db",
        "/console/%2e%2e/index.html",
        "/console/..%2findex.html",
        "/console//index.html",
        "/console/assets/",
        "/console/assets/../index.html",
        "/console/assets/a/b.js",
        "/console/assets/.hidden.js",
        "/console/other/index.html",
        "/console/.sources",
        "/console/.html",
        "/console/index.html.gz",
        "/console/index.html/",
        "/console/index",
        "/console/notes.txt",
        "/console/a\\b.js",
        "/console/a b.js",
        "/console/\xc3\xa4.js",
    };
    struct console_name name;
    (void)state;
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++)
        if (console_name_read(paths[i], &name))
            fail_msg("%s names %s", paths[i], name.file);
    char path[400] = "/console/";
    memset(path + strlen(path), 'a', 300);
    strcpy(path + 309, ".js");
    assert_false(console_name_read(path, &name));
}

static void wishes_are_read(void **state)
{
    static const struct {
        const char *value, *item;
        bool expected;
    } wishes[] = {
        {"gzip", "gzip", true},
        {"gzip, deflate, br, zstd", "gzip", true},
        {"deflate,GZIP;q=0.5", "gzip", true},
        {"br, gzip ; q=1", "gzip", true},
        {"gzip;q=0", "gzip", false},
        {"gzip; q=0.000, br", "gzip", false},
        {"gzip;q=0.001", "gzip", true},
        {"xgzip, gzipx", "gzip", false},
        {"identity", "gzip", false},
        {"*", "gzip", false},
        {"", "gzip", false},
        {" , ,", "gzip", false},
        {NULL, "gzip", false},
        {"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "text/html", true},
        {"text/html;level=1;q=0", "text/html", false},
        {"*/*", "text/html", false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof wishes / sizeof wishes[0]; i++)
        if (accept_names(wishes[i].value, wishes[i].item) != wishes[i].expected)
            fail_msg("\"%s\": %s should be %d", wishes[i].value ? wishes[i].value : "(none)", wishes[i].item,
                     wishes[i].expected);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_name_files),
        cmocka_unit_test(other_addresses_name_nothing),
        cmocka_unit_test(wishes_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
