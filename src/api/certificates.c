/* DescribeCertificates, ModifyCertificates. */
#include "api/call.h"
#include "api/paging.h"
#include "aws/reply.h"
#include "base/text.h"
#include "fleet/authority.h"
#include "fleet/name.h"

/* The region's default CA, and whether the caller has set it. */
struct choice {
    char ca_identifier[32];
    bool overridden;
};

/* A Certificate is the region's root of a CA: what clients have to trust. */
static void write_certificate(const struct call *call, const struct authority_row *root,
                              const struct choice *choice)
{
    char arn[300];
    bool override = choice->overridden && text_equal(choice->ca_identifier, root->ca_identifier);
    name_certificate_arn(call->fleet->settings, call->region, root->ca_identifier, arn);
    reply_open(call->result, "Certificate");
    reply_text(call->result, "CertificateIdentifier", root->ca_identifier);
    reply_text(call->result, "CertificateType", "CA");
    reply_text(call->result, "Thumbprint", root->sha1);
    reply_time(call->result, "ValidFrom", root->not_before);
    reply_time(call->result, "ValidTill", root->not_after);
    reply_text(call->result, "CertificateArn", arn);
    reply_boolean(call->result, "CustomerOverride", override);
    if (override)
        reply_time(call->result, "CustomerOverrideValidTill", root->not_after);
    reply_close(call->result, "Certificate");
}

static int read_choice(const struct call *call, struct choice *choice, struct error *error)
{
    return authority_default(call->fleet, call->region, choice->ca_identifier, &choice->overridden, error);
}

static int write_page(const struct call *call, const char *wanted, const struct choice *choice,
                      struct page *page, struct error *error)
{
    size_t count;
    const struct ca_profile *profiles = ca_profiles(&count);
    for (size_t i = 0; i < count; i++) {
        if (wanted && !text_equal(wanted, profiles[i].identifier))
            continue;
        struct authority_row root = {0};
        int result = authority_root(call->fleet, call->region, profiles[i].identifier, &root, error);
        if (result && result != ERROR_NOT_FOUND)
            return result;
        enum page_turn turn = result ? PAGE_SKIP : page_next(page);
        if (turn == PAGE_SHOW)
            write_certificate(call, &root, choice);
        authority_row_free(&root);
        if (turn == PAGE_FULL)
            break;
    }
    return 0;
}

int certificates_describe(const struct call *call, struct error *error)
{
    const char *wanted = action_text(call->input, "CertificateIdentifier");
    const struct ca_profile *profile = NULL;
    struct choice choice;
    AUTO_PAGE struct page page = {0};
    int result = page_open(call, PAGE_BY_POSITION, &page, error);
    if (!result && !text_is_empty(wanted))
        result = authority_check(call->fleet, call->region, wanted, &profile, error);
    if (!result)
        result = read_choice(call, &choice, error);
    if (result)
        return result;
    reply_text(call->result, "DefaultCertificateForNewLaunches", choice.ca_identifier);
    reply_open(call->result, "Certificates");
    result = write_page(call, profile ? profile->identifier : NULL, &choice, &page, error);
    reply_close(call->result, "Certificates");
    page_write_marker(call, &page);
    return result;
}

/* Sets or removes the override. */
static int change_default(const struct call *call, const char *wanted, struct error *error)
{
    const struct ca_profile *profile;
    if (!wanted)
        return authority_remove_default(call->fleet, call->region, error);
    int result = authority_check_usable(call->fleet, call->region, wanted, &profile, error);
    return result ? result : authority_set_default(call->fleet, call->region, profile->identifier, error);
}

/* The certificate of the CA that is the default from now on. */
static int write_default(const struct call *call, struct error *error)
{
    struct choice choice;
    struct authority_row root = {0};
    int result = read_choice(call, &choice, error);
    if (!result)
        result = authority_root(call->fleet, call->region, choice.ca_identifier, &root, error);
    if (!result)
        write_certificate(call, &root, &choice);
    authority_row_free(&root);
    if (result == ERROR_NOT_FOUND)
        return error_set_named(error, ERROR_NOT_FOUND, "CertificateNotFound",
                               "Certificate not found: %s has not been made in %s yet.", choice.ca_identifier,
                               call->region);
    return result;
}

int certificates_modify(const struct call *call, struct error *error)
{
    const char *wanted = action_text(call->input, "CertificateIdentifier");
    bool remove = action_boolean(call->input, "RemoveCustomerOverride", false);
    if ((wanted != NULL) == remove)
        return error_set_named(error, ERROR_INVALID, "InvalidParameterCombination",
                               "Give either CertificateIdentifier or RemoveCustomerOverride=true.");
    int result = store_begin(call->fleet->store, error);
    if (result)
        return result;
    result = change_default(call, wanted, error);
    if (!result)
        result = write_default(call, error);
    return store_finish(call->fleet->store, result, error);
}
