/* cli/bundle: what is fetched is what is exported is what is served; every failure says what to do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "truststore_fixture.h"

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/command.h"
#include "server/server.h"

#include <fcntl.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* What one call printed and answered. */
struct outcome {
    int status;
    struct buf output, complaint;
};
#define AUTO_OUTCOME __attribute__((cleanup(outcome_free)))
static void outcome_free(struct outcome *outcome)
{
    buf_free(&outcome->output);
    buf_free(&outcome->complaint);
}

/* Lets a descriptor write into a file of the run folder; answers the old one. */
static int lead_to(const struct world *world, int descriptor, const char *name)
{
    int kept = dup(descriptor);
    AUTO_CLOSE int file = open(world_file(world, name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(kept >= 0 && file >= 0 && dup2(file, descriptor) == descriptor);
    return kept;
}

static void lead_back(int descriptor, int kept)
{
    dup2(kept, descriptor);
    close(kept);
}

enum { MOST_WORDS = 16 };

/* `words` are separated by blanks; after them come the options in `where`. */
static void run(const struct world *world, const char *words, const char *where, struct outcome *outcome)
{
    AUTO_FREE char *line = mem_format("bundle %s %s", words, where);
    char *argv[MOST_WORDS + 1] = {0}, *rest = NULL;
    int argc = 0;
    for (char *word = strtok_r(line, " ", &rest); word && argc < MOST_WORDS;
         word = strtok_r(NULL, " ", &rest))
        argv[argc++] = word;
    buf_clear(&outcome->output);
    buf_clear(&outcome->complaint);
    fflush(NULL);
    int output = lead_to(world, STDOUT_FILENO, "stdout"), complaint = lead_to(world, STDERR_FILENO, "stderr");
    optind = 0;
    outcome->status = cli_bundle(argc, argv);
    fflush(NULL);
    lead_back(STDOUT_FILENO, output);
    lead_back(STDERR_FILENO, complaint);
    assert_int_equal(file_read(world_file(world, "stdout"), 1 << 20, &outcome->output, NULL), 0);
    assert_int_equal(file_read(world_file(world, "stderr"), 1 << 20, &outcome->complaint, NULL), 0);
}

static char *from_server(const struct world *world)
{
    return mem_format("--endpoint https://localhost:%d/ --ca %s", world->ports[0],
                      world_file(world, "ca.pem"));
}

static char *from_store(const struct world *world)
{
    return mem_format("--run-dir %s", world->folder);
}

static const struct {
    const char *words, *path;
} rows[] = {
    {"", "/global/global-bundle.pem"},
    {"--global --format p7b", "/global/global-bundle.p7b"},
    {"--partition aws --format jks", "/global/global-bundle.jks"},
    {"--format json", "/global/index.json"},
    {"--region us-east-1", "/us-east-1/us-east-1-bundle.pem"},
    {"--region us-east-1 --format json", "/us-east-1/index.json"},
    {"--region eu-west-1 --format p12", "/eu-west-1/eu-west-1-bundle.p12"},
    {"--region eu-west-1 --ca-identifier rds-ca-ecc384-g1", "/eu-west-1/eu-west-1-rds-ca-ecc384-g1.pem"},
    {"--region eu-west-1 --ca-identifier RDS-CA-2019", "/eu-west-1/eu-west-1-rds-ca-2019.pem"},
    {"--partition aws-us-gov", "/aws-us-gov/global/global-bundle.pem"},
    {"--region us-gov-west-1", "/aws-us-gov/us-gov-west-1/us-gov-west-1-bundle.pem"},
};

static void fetched_and_exported_are_what_is_served(void **state)
{
    struct world *world = *state;
    AUTO_FREE char *server = from_server(world), *store = from_store(world);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        AUTO_REPLY struct reply reply = {0};
        AUTO_OUTCOME struct outcome fetched = {0}, exported = {0};
        world_get(world, NULL, rows[i].path, &reply);
        run(world, rows[i].words, server, &fetched);
        run(world, rows[i].words, store, &exported);
        if (fetched.status || exported.status)
            fail_msg("%s: %s %s", rows[i].words, buf_text(&fetched.complaint), buf_text(&exported.complaint));
        assert_true(slice_equal(slice_buf(&fetched.output), slice_buf(&reply.body)));
        assert_true(slice_equal(slice_buf(&exported.output), slice_buf(&reply.body)));
    }
}

static void a_file_is_replaced_or_left_alone(void **state)
{
    struct world *world = *state;
    AUTO_FREE char *server = from_server(world);
    AUTO_FREE char *file = mem_string(world_file(world, "out.pem"));
    AUTO_FREE char *good = mem_format("--region us-east-1 --output %s", file);
    AUTO_FREE char *bad = mem_format("--region us-east-9 --output %s", file);
    AUTO_OUTCOME struct outcome outcome = {0};
    AUTO_REPLY struct reply reply = {0};
    AUTO_BUF struct buf content = {0};
    world_get(world, NULL, "/us-east-1/us-east-1-bundle.pem", &reply);
    assert_int_equal(file_write(file, slice_text("old"), 0600, NULL), 0);
    for (int i = 0; i < 2; i++) {
        run(world, i ? bad : good, server, &outcome);
        assert_int_equal(outcome.status, i);
        assert_int_equal(outcome.output.length, 0);
        buf_clear(&content);
        assert_int_equal(file_read(file, 1 << 20, &content, NULL), 0);
        assert_true(slice_equal(slice_buf(&content), slice_buf(&reply.body)));
    }
}

static void an_export_needs_only_a_store_to_read(void **state)
{
    struct world *world = *state;
    AUTO_FREE char *store = from_store(world);
    AUTO_OUTCOME struct outcome outcome = {0};
    run(world, "--region us-east-1", store, &outcome);
    assert_int_equal(outcome.status, 0);
    assert_false(file_exists(world_file(world, SERVER_SEAL_FILE)));
    /* A run folder that was never started stays as it is. */
    AUTO_FREE char *folder = mem_string(world_file(world, "new"));
    AUTO_FREE char *settings = mem_format("%s/sealwright.json", folder);
    AUTO_FREE char *made = mem_format("%s/%s", folder, SERVER_STORE_FILE);
    AUTO_FREE char *where = mem_format("--run-dir %s", folder);
    assert_int_equal(file_make_folder(folder, 0700, NULL), 0);
    assert_int_equal(file_write(settings, slice_text("{}"), 0600, NULL), 0);
    run(world, "", where, &outcome);
    assert_int_equal(outcome.status, 1);
    assert_non_null(strstr(buf_text(&outcome.complaint), made));
    assert_false(file_exists(made));
}

static void every_failure_says_why(void **state)
{
    struct world *world = *state;
    AUTO_FREE char *server = from_server(world), *store = from_store(world);
    AUTO_FREE char *plain = mem_format("--endpoint http://localhost:%d", world->ports[0]);
    AUTO_FREE char *other_ca = mem_string(world_file(world, "other.pem"));
    AUTO_FREE char *make_other_ca = mem_format("--region us-east-1 --output %s", other_ca);
    AUTO_FREE char *stranger =
        mem_format("--ca %s --endpoint https://localhost:%d", other_ca, world->ports[0]);
    AUTO_FREE char *nobody = mem_format("--endpoint https://localhost:1");
    const struct {
        const char *words, *where;
        int status;
        const char *says;
    } failures[] = {
        {"--region us-east-9", server, 1, "there are: us-east-1, eu-west-1, us-gov-west-1"},
        {"--region us-east-9", server, 1, "status 404"},
        {"--region us-east-9", store, 1, "there are: us-east-1, eu-west-1, us-gov-west-1"},
        {"--region us-east-1 --partition aws-us-gov", server, 1, "belongs to partition aws"},
        {"--region us-east-1 --partition aws-us-gov", store, 1, "belongs to partition aws"},
        {"", plain, 1, "over HTTPS only"},
        {"", stranger, 1, "certificate"},
        {"", nobody, 1, "https://localhost:1/aws/global/global-bundle.pem"},
        {"", "", 1, "give --endpoint"},
        {"", "--run-dir /nonexistent", 1, "/nonexistent/sealwright.json"},
        {"--format zip", server, 2, "pem, p7b, jks, p12 or json"},
        {"--partition aws-cn", server, 2, "aws or aws-us-gov"},
        {"--region us-east-1 --global", server, 2, "exclude each other"},
        {"--ca-identifier rds-ca-2099 --region us-east-1", server, 2, "rds-ca-2019, rds-ca-rsa2048-g1"},
        {"--ca-identifier rds-ca-2019", server, 2, "goes with --region"},
        {"--ca-identifier rds-ca-2019 --region us-east-1 --format json", server, 2, "goes with --region"},
        {"us-east-1", server, 2, "unexpected us-east-1"},
        {"--what", server, 2, "usage: sealwright bundle"},
    };
    AUTO_OUTCOME struct outcome outcome = {0};
    run(world, make_other_ca, store, &outcome);
    for (size_t i = 0; i < sizeof failures / sizeof *failures; i++) {
        run(world, failures[i].words, failures[i].where, &outcome);
        if (outcome.status != failures[i].status || !strstr(buf_text(&outcome.complaint), failures[i].says))
            fail_msg("%s: status %d: %s", failures[i].words, outcome.status, buf_text(&outcome.complaint));
        assert_int_equal(outcome.output.length, 0);
    }
}

static void help_is_printed(void **state)
{
    struct world *world = *state;
    AUTO_OUTCOME struct outcome outcome = {0};
    run(world, "--help", "", &outcome);
    assert_int_equal(outcome.status, 0);
    assert_int_equal(outcome.complaint.length, 0);
    assert_true(text_starts_with(buf_text(&outcome.output), "usage: sealwright bundle"));
}

static void an_unfinished_region_is_not_exported(void **state)
{
    struct world *world = *state;
    AUTO_FREE char *server = from_server(world), *store = from_store(world);
    AUTO_OUTCOME struct outcome outcome = {0};
    run(world, "--region us-gov-west-1", server, &outcome);
    assert_int_equal(outcome.status, 1);
    assert_non_null(strstr(buf_text(&outcome.complaint), "status 503"));
    run(world, "--region us-gov-west-1", store, &outcome);
    assert_int_equal(outcome.status, 1);
    assert_non_null(strstr(buf_text(&outcome.complaint), "0 of 1 regions"));
    world_add_subordinate(world, "us-gov-west-1", "rds-ca-2019", 1);
}

static int set_up(void **state)
{
    unsetenv("SEALWRIGHT_ENDPOINT");
    unsetenv("SEALWRIGHT_CA");
    return world_set_up(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_unfinished_region_is_not_exported),
        cmocka_unit_test(fetched_and_exported_are_what_is_served),
        cmocka_unit_test(a_file_is_replaced_or_left_alone),
        cmocka_unit_test(an_export_needs_only_a_store_to_read),
        cmocka_unit_test(every_failure_says_why),
        cmocka_unit_test(help_is_printed),
    };
    return cmocka_run_group_tests(tests, set_up, world_tear_down);
}
