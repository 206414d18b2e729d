/* base/buf: bytes, slices and the reader of messages. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/buf.h"

static void grows_and_keeps_content(void **state)
{
    (void)state;
    AUTO_BUF struct buf buf = {0};
    for (int i = 0; i < 1000; i++)
        buf_printf(&buf, "%d,", i);
    assert_string_equal(buf_text(&buf) + buf.length - 8, "998,999,");
}

static void reader_refuses_what_is_too_short(void **state)
{
    (void)state;
    struct reader reader = reader_of(slice_of("\x01\x00\x02\x61", 4));
    assert_int_equal(reader_u8(&reader), 1);
    assert_int_equal(reader_u16(&reader), 2);
    assert_false(reader_done(&reader));
    struct slice bytes = reader_bytes(&reader, 2);
    assert_int_equal(bytes.length, 0);
    assert_true(reader.failed);
    assert_int_equal(reader_u8(&reader), 0);
    assert_false(reader_done(&reader));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(grows_and_keeps_content),
        cmocka_unit_test(reader_refuses_what_is_too_short),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
