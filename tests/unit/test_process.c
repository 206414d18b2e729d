/* base/process: child programs keep to their deadline, and nothing that they said is lost. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/process.h"
#include "base/text.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PATIENT = 20000 };

static int shell(const char *script, int64_t deadline, struct buf *output, struct error *error)
{
    const char *const arguments[] = {"/bin/sh", "-c", script, NULL};
    return process_run(arguments, deadline, output, error);
}

static void both_outputs_are_kept(void **state)
{
    (void)state;
    AUTO_BUF struct buf output = {0};
    struct error error;
    buf_append_text(&output, "before ");
    assert_int_equal(shell("echo out; echo err >&2", PATIENT, &output, &error), 0);
    assert_string_equal(buf_text(&output), "before out\nerr\n");
    assert_int_equal(shell("true", PATIENT, NULL, NULL), 0);
}

static void a_failure_says_its_last_line(void **state)
{
    (void)state;
    struct error error;
    assert_int_equal(shell("echo first; echo 'no space left'; echo; exit 3", PATIENT, NULL, &error),
                     ERROR_IO);
    assert_string_equal(error.text, "/bin/sh failed with status 3: no space left");
    assert_int_equal(shell("kill -9 $$", PATIENT, NULL, &error), ERROR_IO);
    assert_non_null(strstr(error.text, "signal 9"));
    const char *const missing[] = {"/nonexistent/program", NULL};
    assert_int_equal(process_run(missing, PATIENT, NULL, &error), ERROR_IO);
    assert_non_null(strstr(error.text, "/nonexistent/program"));
    assert_non_null(strstr(error.text, "No such file"));
}

static void nothing_said_right_before_the_end_is_lost(void **state)
{
    (void)state;
    for (int i = 0; i < 200; i++) {
        AUTO_BUF struct buf output = {0};
        assert_int_equal(shell("echo last words", PATIENT, &output, NULL), 0);
        assert_string_equal(buf_text(&output), "last words\n");
    }
}

static void a_long_output_is_cut(void **state)
{
    (void)state;
    AUTO_BUF struct buf output = {0};
    assert_int_equal(shell("head -c 1000000 /dev/zero", PATIENT, &output, NULL), 0);
    assert_int_equal(output.length, 64 * 1024);
}

static void the_deadline_holds(const char *script)
{
    struct error error;
    int64_t start = clock_steady();
    assert_int_equal(shell(script, 300, NULL, &error), ERROR_TIMEOUT);
    assert_in_range(clock_steady() - start, 300, 5000);
    assert_non_null(strstr(error.text, "300 ms"));
}

static void a_silent_program_meets_its_deadline(void **state)
{
    (void)state;
    the_deadline_holds("sleep 30");
}

static void a_program_that_closed_its_outputs_meets_its_deadline(void **state)
{
    (void)state;
    the_deadline_holds("exec >&- 2>&-; sleep 30");
}

static void a_chatty_program_meets_its_deadline(void **state)
{
    (void)state;
    the_deadline_holds("while :; do echo more; done");
}

static void its_children_end_with_it(void **state)
{
    (void)state;
    AUTO_BUF struct buf output = {0};
    assert_int_equal(shell("sleep 30 & echo $!; wait", 300, &output, NULL), ERROR_TIMEOUT);
    int64_t child = 0;
    output.length--;
    assert_true(text_integer(buf_text(&output), 2, INT32_MAX, &child));
    for (int tries = 0; process_alive((int)child) && tries < 500; tries++)
        usleep(10000);
    assert_false(process_alive((int)child));
}

static void a_daemon_left_behind_is_not_waited_for(void **state)
{
    (void)state;
    AUTO_BUF struct buf output = {0};
    int64_t start = clock_steady();
    assert_int_equal(shell("sleep 30 & echo $!", PATIENT, &output, NULL), 0);
    assert_in_range(clock_steady() - start, 0, 5000);
    int64_t daemon = 0;
    output.length--;
    assert_true(text_integer(buf_text(&output), 2, INT32_MAX, &daemon));
    assert_true(process_alive((int)daemon));
    kill((pid_t)daemon, SIGKILL);
}

static void standard_input_is_empty(void **state)
{
    (void)state;
    AUTO_BUF struct buf output = {0};
    assert_int_equal(shell("wc -c", PATIENT, &output, NULL), 0);
    assert_string_equal(buf_text(&output), "0\n");
}

static void no_descriptor_of_ours_is_inherited(void **state)
{
    (void)state;
    static const char count[] = "ls /proc/self/fd | wc -l";
    AUTO_BUF struct buf output = {0};
    assert_int_equal(shell(count, PATIENT, &output, NULL), 0);
    /* What a plain child sees: whoever started this test may have left descriptors open. */
    char plain[16] = {0};
    FILE *child = popen(count, "r"); /* NOLINT(cert-env33-c): a constant command */
    assert_non_null(child);
    assert_non_null(fgets(plain, sizeof plain, child));
    pclose(child);
    assert_string_equal(buf_text(&output), plain);
}

static void the_dead_and_zombies_are_not_alive(void **state)
{
    (void)state;
    assert_true(process_alive((int)getpid()));
    assert_false(process_alive(0));
    assert_false(process_alive(-1));
    pid_t child = fork();
    if (child == 0)
        _exit(0);
    siginfo_t info;
    assert_int_equal(waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT), 0);
    assert_false(process_alive((int)child));
    assert_int_equal(waitpid(child, NULL, 0), child);
    assert_false(process_alive((int)child));
}

static void input_environment_and_folder_are_the_programs(void **state)
{
    (void)state;
    AUTO_BUF struct buf large = {0}, output = {0};
    const char *const count[] = {"/usr/bin/wc", "-c", NULL};
    const char *const say[] = {"/bin/sh", "-c", "cat; echo $NAME $HOME; pwd", NULL};
    const char *const environment[] = {"NAME=value", NULL};
    for (int i = 0; i < 100000; i++)
        buf_append_text(&large, "more than a pipe holds\n");
    struct process_command command = {.arguments = count, .input = slice_buf(&large)};
    assert_int_equal(process_run_command(&command, PATIENT, &output, NULL), 0);
    assert_string_equal(buf_text(&output), "2300000\n");
    buf_clear(&output);
    command = (struct process_command){say, environment, "/usr", slice_text("secret\n")};
    assert_int_equal(process_run_command(&command, PATIENT, &output, NULL), 0);
    assert_string_equal(buf_text(&output), "secret\nvalue\n/usr\n");
    buf_clear(&output);
    command = (struct process_command){say, environment, "/usr", slice_text("")};
    assert_int_equal(process_run_command(&command, PATIENT, &output, NULL), 0);
    assert_string_equal(buf_text(&output), "value\n/usr\n");
    command.folder = "/nonexistent";
    assert_int_equal(process_run_command(&command, PATIENT, NULL, NULL), ERROR_IO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_outputs_are_kept),
        cmocka_unit_test(input_environment_and_folder_are_the_programs),
        cmocka_unit_test(a_failure_says_its_last_line),
        cmocka_unit_test(nothing_said_right_before_the_end_is_lost),
        cmocka_unit_test(a_long_output_is_cut),
        cmocka_unit_test(a_silent_program_meets_its_deadline),
        cmocka_unit_test(a_program_that_closed_its_outputs_meets_its_deadline),
        cmocka_unit_test(a_chatty_program_meets_its_deadline),
        cmocka_unit_test(its_children_end_with_it),
        cmocka_unit_test(a_daemon_left_behind_is_not_waited_for),
        cmocka_unit_test(standard_input_is_empty),
        cmocka_unit_test(no_descriptor_of_ours_is_inherited),
        cmocka_unit_test(the_dead_and_zombies_are_not_alive),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
