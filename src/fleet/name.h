/* Names the fleet gives: ARNs, endpoints, resource ids; and checks of names that callers give. */
#ifndef FLEET_NAME_H
#define FLEET_NAME_H

#include "base/error.h"
#include "fleet/settings.h"

/* Enough for the longest: that of a group. */
#define NAME_ARN_SIZE 360

/* arn:<partition>:rds:<region>:<account>:db:<identifier> */
void name_instance_arn(const struct settings *settings, const char *region, const char *identifier,
                       char arn[300]);
/* The same for any type: "db", "pg" (parameter group), "og" (option group). */
void name_arn(const struct settings *settings, const char *region, const char *type, const char *name,
              char arn[NAME_ARN_SIZE]);
/* arn:<partition>:rds:<region>::cert:<ca_identifier>: no account, as AWS's own. */
void name_certificate_arn(const struct settings *settings, const char *region, const char *ca_identifier,
                          char arn[300]);

/* Takes an instance ARN of this account apart. ERROR_INVALID, InvalidParameterValue. */
int name_parse_instance_arn(const struct settings *settings, const char *arn, char region[32],
                            char identifier[64], struct error *error);

/* Takes an ARN of this account apart: its type ("db", "pg", "og") and the name. ERROR_INVALID,
 * InvalidParameterValue. */
int name_parse_arn(const struct settings *settings, const char *arn, char region[32], char type[8],
                   char name[256], struct error *error);

/* <identifier>.<hash>.<region>.rds.<domain>; the hash is the account's in that region, 12 characters, as
 * AWS's. */
void name_endpoint(const struct settings *settings, const char *region, const char *identifier,
                   char address[256]);
/* The domain under which all endpoints of a region stand: <region>.rds.<domain>. */
void name_region_domain(const struct settings *settings, const char *region, char domain[256]);

void name_resource_id(char resource_id[40]); /* db- and 26 random letters and digits */

/* DBInstanceIdentifier: 1 to 63 letters, digits, hyphens; starts with a letter; no trailing or double hyphen.
 * Answers it in lowercase. InvalidParameterValue. */
int name_check_identifier(const char *member, const char *given, char identifier[64], struct error *error);

/* The name of a group: 1 to 255 characters by the same rules. */
int name_check_group(const char *member, const char *given, char name[256], struct error *error);

/* A DNS name that a customer wants in the certificate: well-formed, within `customer_domains`.
 * InvalidParameterValue. */
int name_check_customer(const struct settings *settings, const char *name, struct error *error);

#endif
