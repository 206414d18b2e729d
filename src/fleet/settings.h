/* What the operator chooses: DIR/sealwright.json. Every member has a default but the run directory. */
#ifndef FLEET_SETTINGS_H
#define FLEET_SETTINGS_H

#include "base/error.h"
#include "pki/certificate.h"
#include "pki/profile.h"
#include "pki/region.h"

#include <stdbool.h>
#include <stdint.h>

struct settings {
    char *run_folder;                /* absolute */
    int port;                        /* 8443 */
    struct text_list listen;         /* addresses: 127.0.0.1, ::1 */
    struct text_list endpoint_names; /* further names of the HTTPS endpoint's certificate */
    char *endpoint_certificate;      /* PEM files of the operator's own; NULL: from the control CA */
    char *endpoint_key;
    char domain[200];            /* localhost: endpoints are <id>.<hash>.<region>.rds.<domain> */
    char account[13];            /* 123456789012: in ARNs */
    char home_region[32];        /* us-east-1: its CAs are made first */
    struct region_table regions; /* the guide's 29 */
    struct organisation organisation;
    int workers;                         /* 2 */
    int key_makers;                      /* 1: threads of the signer that make CA keys */
    int64_t legacy_ca_days;              /* 1826: life of rds-ca-2019's root */
    int64_t server_certificate_seconds;  /* life where the engine rotates without restart; 0: one year */
    int64_t restart_certificate_seconds; /* life where it does not; 0: three years */
    int64_t
        rotation_emergency_percent;  /* 15: with less of the life left, rotation does not wait for a window */
    int64_t rotation_spread_percent; /* 10: of the life, over which a fleet's renewals are spread */
    int64_t rotations_per_minute;    /* 600: automatic ones of the whole fleet, in any minute */
    int64_t guard_seconds;           /* 300: for so long a new certificate is watched; 0: not at all */
    int64_t guard_refusals;          /* 3: so many refusals by clients put the old one back */
    int64_t guard_pause_seconds;     /* 86400: no new try by itself after that; doubles */
    struct text_list retiring;       /* CA identifiers whose instances are asked to move to another CA */
    bool bridges;                    /* true: chains serve clients of the CA before, too */
    int64_t
        subordinate_lead_seconds; /* 2592000: a new subordinate is in the bundles that long before it signs */
    int64_t clock_jump_seconds;   /* 2592000: a clock that is further ahead than that is not believed */
    struct text_list customer_domains; /* domains whose names may be added to server certificates */
    bool allow_ip_addresses;           /* false: subordinates exclude all IP addresses */
    int64_t signatures_per_second;     /* 0: no limit */
    char *server_user;                 /* when started as root: users to become */
    char *signer_user;
    struct text_list client_networks; /* networks whose clients may connect to databases */
    struct text_list engine_folders;  /* where engines' programs are, beside the usual folders */
    struct text_list database_listen; /* addresses on which this machine's databases listen */
    int64_t agent_check_seconds;      /* 5 */
    char *webhook_url;                /* events are posted to it; NULL: to none */
    char *webhook_secret_file;        /* the key of the posts' signatures; NULL without a URL */
    char *webhook_ca_file; /* PEM: whom the receiver's certificate must come from; NULL: the system's */
    char *console_folder;  /* of the built web console; NULL: the usual places */
};

void settings_defaults(struct settings *settings, const char *run_folder);
/* Reads DIR/sealwright.json over the defaults; ERROR_INVALID names the member, what was expected and what was
 * found. */
int settings_load(struct settings *settings, const char *run_folder, struct error *error);
int settings_parse(struct settings *settings, struct slice json, struct error *error);
int settings_save(const struct settings *settings, struct error *error);
void settings_free(struct settings *settings);

/* A path below the run folder, for free(). */
char *settings_path(const struct settings *settings, const char *name);

#endif
