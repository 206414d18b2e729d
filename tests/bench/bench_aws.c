/* The protocol's costs on one core: verified signatures a second, and a DescribeDBInstances reply of 100
 * instances against the same written with libxml2's xmlTextWriter. */
#include "aws/model.h"
#include "aws/reply.h"
#include "aws/sigv4.h"
#include "base/clock.h"
#include "base/memory.h"

#include <libxml/xmlwriter.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define DATE      "20260102T030405Z"
#define SECRET    "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
#define INSTANCES 100
#define ELEMENTS  80

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void measure_verify(size_t body_length, struct sigv4_cache *cache)
{
    static const struct sigv4_rules rules = {.service = "rds"};
    static const struct sigv4_header headers[] = {
        {"Host", "localhost:8443"},
        {"Accept-Encoding", "identity"},
        {"Content-Type", "application/x-www-form-urlencoded; charset=utf-8"},
        {"User-Agent", "aws-cli/2.9.19 Python/3.11.2"},
        {"X-Amz-Date", DATE},
        {"Authorization", "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260102/us-east-1/rds/aws4_request, "
                          "SignedHeaders=content-type;host;x-amz-date, "
                          "Signature=1695ab8e56b140fa94e616a02f98dc8def791cee5dc1df2edc2e2536023a1ad4"},
        {"Content-Length", "60"},
    };
    AUTO_FREE unsigned char *body = mem_new(body_length);
    struct sigv4_request request = {
        "POST", "/", "", headers, sizeof headers / sizeof *headers, slice_of(body, body_length)};
    int64_t now = 0;
    clock_parse_basic(DATE, &now);
    const int rounds = 100000;
    double start = seconds();
    for (int i = 0; i < rounds; i++) {
        AUTO_CREDENTIAL struct sigv4_credential credential = {0};
        struct error error;
        if (sigv4_parse(&request, &rules, now, &credential, &error))
            abort();
        sigv4_verify(&request, &rules, &credential, SECRET, cache, &error);
    }
    printf("sigv4: parse and verify, body of %4zu bytes, %s cache: %8.0f requests/s\n", body_length,
           cache ? "with" : "no", rounds / (seconds() - start));
}

static void measure_decode(void)
{
    const char *form = "Action=DescribeDBInstances&Version=2014-10-31&MaxRecords=100";
    const int rounds = 200000;
    double start = seconds();
    for (int i = 0; i < rounds; i++) {
        AUTO_QUERY struct query_parameters parameters = {0};
        AUTO_INPUT struct action_input input = {0};
        if (query_parse(slice_text(form), &parameters, NULL) || action_decode(&parameters, &input, NULL))
            abort();
    }
    printf("query: DescribeDBInstances decoded: %.0f requests/s\n", rounds / (seconds() - start));
}

static const char value[] = "orders.c0ffee123456.us-east-1.rds.localhost";

static double write_reply(struct buf *buf)
{
    double start = seconds();
    buf_clear(buf);
    reply_begin(buf, "DescribeDBInstances");
    for (int i = 0; i < INSTANCES; i++) {
        reply_open(buf, "DBInstance");
        for (int j = 0; j < ELEMENTS; j++)
            reply_text(buf, "CACertificateIdentifier", value);
        reply_close(buf, "DBInstance");
    }
    reply_end(buf, "DescribeDBInstances", "9135fff3-8509-11e0-bd9b-a7b1ece36d51");
    return seconds() - start;
}

static const xmlChar *xml_text(const char *text)
{
    return (const xmlChar *)text;
}

static double write_reply_with_libxml2(size_t *length)
{
    double start = seconds();
    xmlBuffer *buffer = xmlBufferCreateSize(1 << 20);
    xmlTextWriter *writer = xmlNewTextWriterMemory(buffer, 0);
    xmlTextWriterStartElement(writer, xml_text("DescribeDBInstancesResponse"));
    for (int i = 0; i < INSTANCES; i++) {
        xmlTextWriterStartElement(writer, xml_text("DBInstance"));
        for (int j = 0; j < ELEMENTS; j++)
            xmlTextWriterWriteElement(writer, xml_text("CACertificateIdentifier"), xml_text(value));
        xmlTextWriterEndElement(writer);
    }
    xmlTextWriterEndElement(writer);
    xmlFreeTextWriter(writer);
    *length = (size_t)xmlBufferLength(buffer);
    xmlBufferFree(buffer);
    return seconds() - start;
}

static void measure_reply(void)
{
    AUTO_BUF struct buf buf = {0};
    double ours = 1;
    double theirs = 1;
    size_t length = 0;
    for (int i = 0; i < 20; i++) {
        double time = write_reply(&buf);
        ours = time < ours ? time : ours;
        time = write_reply_with_libxml2(&length);
        theirs = time < theirs ? time : theirs;
    }
    printf("reply: %d instances: %zu bytes in %.0f us; libxml2's xmlTextWriter: %zu bytes in %.0f us; ratio "
           "%.1f\n",
           INSTANCES, buf.length, ours * 1e6, length, theirs * 1e6, theirs / ours);
}

int main(void)
{
    struct sigv4_cache *cache = sigv4_cache_new();
    measure_verify(60, NULL);
    measure_verify(60, cache);
    measure_verify(2048, NULL);
    measure_verify(2048, cache);
    sigv4_cache_free(cache);
    measure_decode();
    measure_reply();
    return 0;
}
