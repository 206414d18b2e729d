/* aws/reply and aws/errors: what is written is read back by libxml2's parser. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "aws/errors.h"
#include "aws/reply.h"
#include "base/memory.h"

#include <libxml/parser.h>
#include <libxml/tree.h>
#include <string.h>

static xmlDoc *parse(struct buf *buf)
{
    xmlDoc *document = xmlReadMemory(buf_text(buf), (int)buf->length, NULL, "UTF-8", XML_PARSE_NONET);
    assert_non_null(document);
    const xmlNode *root = xmlDocGetRootElement(document);
    assert_string_equal((const char *)root->ns->href, "http://rds.amazonaws.com/doc/2014-10-31/");
    return document;
}

/* The text of the element at a path of names below the root. */
static char *text_at(xmlDoc *document, const char *const *path)
{
    xmlNode *node = xmlDocGetRootElement(document);
    for (; node && *path; path++) {
        node = node->children;
        while (node && strcmp((const char *)node->name, *path) != 0)
            node = node->next;
        assert_non_null(node);
    }
    xmlChar *content = xmlNodeGetContent(node);
    char *text = mem_string((const char *)content);
    xmlFree(content);
    return text;
}

static void assert_round_trip(const char *text, const char *expected)
{
    AUTO_BUF struct buf buf = {0};
    reply_begin(&buf, "DescribeX");
    reply_text(&buf, "Value", text);
    reply_end(&buf, "DescribeX", "id");
    xmlDoc *document = parse(&buf);
    AUTO_FREE char *found = text_at(document, (const char *const[]){"DescribeXResult", "Value", NULL});
    assert_string_equal(found, expected);
    xmlFreeDoc(document);
}

static void odd_characters_come_back(void **state)
{
    (void)state;
    static const char *const same[] = {
        "",
        " ",
        "a<b>&\"'c",
        "]]>",
        "<![CDATA[x]]>",
        "&amp;",
        "line\nbreak\ttab",
        "\r",
        "a\r\nb",
        "  both ends  ",
        "\xc3\xa9\xe2\x82\xac\xf0\x9f\x94\x90",
        "\x7f",
        "\xc2\x85",
        "\xef\xbf\xbd",
        "\xf4\x8f\xbf\xbf",
        "<!-- -->",
        "<?pi?>",
    };
    for (size_t i = 0; i < sizeof same / sizeof *same; i++)
        assert_round_trip(same[i], same[i]);
}

static void forbidden_characters_are_replaced(void **state)
{
    (void)state;
    assert_round_trip("a\x01"
                      "b",
                      "a\xef\xbf\xbd"
                      "b");
    assert_round_trip("\x1f\x0b", "\xef\xbf\xbd\xef\xbf\xbd");
    assert_round_trip("\xff", "\xef\xbf\xbd");
    assert_round_trip("cut \xe2\x82", "cut \xef\xbf\xbd\xef\xbf\xbd");
    assert_round_trip("\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
    assert_round_trip("\xef\xbf\xbe\xef\xbf\xbf", "\xef\xbf\xbd\xef\xbf\xbd");
}

static void every_byte_gives_a_document(void **state)
{
    (void)state;
    char text[3] = {0};
    for (int first = 1; first < 256; first++)
        for (int second = 1; second < 256; second += 7) {
            text[0] = (char)first;
            text[1] = (char)second;
            AUTO_BUF struct buf buf = {0};
            reply_error(&buf, "InvalidParameterValue", text, "id");
            xmlFreeDoc(parse(&buf));
        }
}

static void values_have_their_forms(void **state)
{
    (void)state;
    AUTO_BUF struct buf buf = {0};
    reply_open(&buf, "List");
    reply_integer(&buf, "I", -5);
    reply_boolean(&buf, "B", true);
    reply_boolean(&buf, "C", false);
    reply_time(&buf, "T", INT64_C(1767323045678));
    reply_text(&buf, "Absent", NULL);
    reply_text(&buf, "Empty", "");
    reply_close(&buf, "List");
    assert_string_equal(
        buf_text(&buf),
        "<List><I>-5</I><B>true</B><C>false</C><T>2026-01-02T03:04:05.678Z</T><Empty></Empty></List>");
}

static void an_action_without_output_has_no_result(void **state)
{
    (void)state;
    AUTO_BUF struct buf buf = {0};
    reply_empty(&buf, "AddTagsToResource", "r-1");
    assert_string_equal(
        buf_text(&buf),
        "<AddTagsToResourceResponse xmlns=\"http://rds.amazonaws.com/doc/2014-10-31/\">"
        "<ResponseMetadata><RequestId>r-1</RequestId></ResponseMetadata></AddTagsToResourceResponse>");
}

static void errors_say_whose_fault_it_is(void **state)
{
    (void)state;
    AUTO_BUF struct buf buf = {0};
    reply_error(&buf, "DBInstanceNotFound", "DBInstance x not found.", "r-1");
    assert_string_equal(
        buf_text(&buf),
        "<ErrorResponse xmlns=\"http://rds.amazonaws.com/doc/2014-10-31/\"><Error><Type>Sender</Type>"
        "<Code>DBInstanceNotFound</Code><Message>DBInstance x not found.</Message></Error>"
        "<RequestId>r-1</RequestId></ErrorResponse>");
    buf_clear(&buf);
    reply_error(&buf, "InternalFailure", "m", "r");
    assert_non_null(strstr(buf_text(&buf), "<Type>Receiver</Type>"));
}

static void errors_have_their_status(void **state)
{
    (void)state;
    static const struct {
        const char *code;
        int status;
    } rows[] = {
        {"AccessDenied", 403},
        {"AuthorizationNotFound", 404},
        {"CertificateNotFound", 404},
        {"DBInstanceAlreadyExists", 400},
        {"DBInstanceNotFound", 404},
        {"DBSubnetGroupNotFoundFault", 404},
        {"InvalidDBInstanceState", 400},
        {"IncompleteSignature", 400},
        {"InvalidClientTokenId", 403},
        {"MalformedQueryString", 404},
        {"MissingAuthenticationToken", 403},
        {"SignatureDoesNotMatch", 403},
        {"Throttling", 400},
        {"ServiceUnavailable", 503},
        {"InternalFailure", 500},
        {"ResourceNotFoundFault", 404},
        {"VpcEncryptionControlViolationException", 400},
        {"OfSomebodyElse", 400},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_int_equal(aws_error_status(rows[i].code), rows[i].status);
}

static void what_happened_inside_is_not_told(void **state)
{
    (void)state;
    struct error error = {0};
    error_set(&error, ERROR_IO, "cannot open /var/lib/secret/place");
    assert_string_equal(aws_error_code(&error), "InternalFailure");
    assert_null(strstr(aws_error_message(&error), "secret"));
    error_set(&error, ERROR_BUSY, "the store is locked by 12");
    assert_string_equal(aws_error_code(&error), "ServiceUnavailable");
    assert_null(strstr(aws_error_message(&error), "12"));
    error_set_named(&error, ERROR_NOT_FOUND, "DBInstanceNotFound", "DBInstance x not found.");
    assert_string_equal(aws_error_code(&error), "DBInstanceNotFound");
    assert_string_equal(aws_error_message(&error), "DBInstance x not found.");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(odd_characters_come_back),
        cmocka_unit_test(forbidden_characters_are_replaced),
        cmocka_unit_test(every_byte_gives_a_document),
        cmocka_unit_test(values_have_their_forms),
        cmocka_unit_test(an_action_without_output_has_no_result),
        cmocka_unit_test(errors_say_whose_fault_it_is),
        cmocka_unit_test(errors_have_their_status),
        cmocka_unit_test(what_happened_inside_is_not_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
