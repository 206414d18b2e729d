/* The subcommands of the program. Each gets its own argument vector ([0] is its name) and answers the exit
 * status: 0 done, 1 failed, 2 the call's words are off; probe has more. */
#ifndef CLI_COMMAND_H
#define CLI_COMMAND_H

#include "base/error.h"
#include "fleet/settings.h"

int cli_init(int argc, char **argv);
int cli_up(int argc, char **argv);
int cli_down(int argc, char **argv);
int cli_status(int argc, char **argv);
int cli_server(int argc, char **argv);
int cli_agent(int argc, char **argv);
int cli_access_key(int argc, char **argv);
int cli_adopt(int argc, char **argv);
int cli_bundle(int argc, char **argv);
int cli_fleet(int argc, char **argv);
int cli_forecast(int argc, char **argv);
int cli_probe(int argc, char **argv);
int cli_rehearse(int argc, char **argv);
int cli_release(int argc, char **argv);
int cli_rotate(int argc, char **argv);

/* Prints "sealwright COMMAND: text" on standard error and answers 1. */
int cli_fail(const char *command, const struct error *error);
/* The same for wrong usage: adds where help is, and answers 2. */
int cli_usage(const char *command, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* An absolute path of a run folder as given on the command line; for free(). */
char *cli_run_folder(const char *given);

/* Reads a pid file and answers the process's id while it lives, else 0. */
int cli_read_pid(const struct settings *settings, const char *name);

#endif
