/* The error codes of the Query protocol: which HTTP status each has, and what a caller is told of a failure.
 */
#ifndef AWS_ERRORS_H
#define AWS_ERRORS_H

#include "base/error.h"

/* The HTTP status of an error code such as "DBInstanceNotFound". A code that is not in the table has 400. */
int aws_error_status(const char *code);

/* Whose fault a status says it is: "Sender" or, from 500 on, "Receiver". A static string. */
const char *aws_error_type(int status);

/* The code that the reply carries: the failure's own name, or one that fits its error_code. A static string.
 */
const char *aws_error_code(const struct error *error);

/* The message that the reply carries. What happened inside the service (a status from 500 on) is not told:
 * such text belongs in the log. Lives as long as `error`. */
const char *aws_error_message(const struct error *error);

#endif
