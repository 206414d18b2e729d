/* Replies of the Query protocol in XML, written into a buffer.
 *
 * Written here and not with libxml2's xmlTextWriter, which takes 6 times as long for 8,000 elements of 94
 * bytes, about the reply of DescribeDBInstances with 100 instances (tests/bench/bench_aws.c measures both:
 * 0.23 ms and 1.4 ms). A reply has elements and text alone, so escaping is all there is to do, and libxml2's
 * parser reads every reply back in the tests. */
#ifndef AWS_REPLY_H
#define AWS_REPLY_H

#include "base/buf.h"

#include <stdbool.h>
#include <stdint.h>

#define REPLY_CONTENT_TYPE "text/xml"

/* `<ActionResponse xmlns=..><ActionResult>`: what an action with output begins with. */
void reply_begin(struct buf *buf, const char *action);
/* `</ActionResult><ResponseMetadata>..</ActionResponse>` */
void reply_end(struct buf *buf, const char *action, const char *request_id);

/* The whole reply of an action without output (AddTagsToResource): only ResponseMetadata, no Result. */
void reply_empty(struct buf *buf, const char *action, const char *request_id);

/* The whole reply of a failed request. Its HTTP status is aws_error_status(code). */
void reply_error(struct buf *buf, const char *code, const char *message, const char *request_id);

/* An element around others. Names are static texts and are written as they are. */
void reply_open(struct buf *buf, const char *name);
void reply_close(struct buf *buf, const char *name);

/* An element with a value. A NULL text writes nothing: the member is absent. */
void reply_text(struct buf *buf, const char *name, const char *text);
void reply_integer(struct buf *buf, const char *name, int64_t value);
void reply_boolean(struct buf *buf, const char *name, bool value); /* true or false, lowercase */
/* Milliseconds as ISO 8601 in UTC; the JavaScript SDK fails on anything else. */
void reply_time(struct buf *buf, const char *name, int64_t milliseconds);

/* Text between tags. Characters that XML 1.0 (2.2) forbids and bytes that are no UTF-8 become U+FFFD, so that
 * a reply can always be parsed; a carriage return is written as a reference, since a parser would make a line
 * feed of it (2.11). */
void reply_escape(struct buf *buf, struct slice text);

#endif
