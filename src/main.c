/* Picks the subcommand. */
#include "base/text.h"
#include "cli/command.h"

#include <stdio.h>

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *what;
} commands[] = {
    {"up", cli_up, "start server and agent of a run folder in the background"},
    {"down", cli_down, "stop them; databases go on"},
    {"status", cli_status, "what runs, and how far the certificate authorities are"},
    {"init", cli_init, "make a run folder"},
    {"server", cli_server, "run the server in the foreground"},
    {"agent", cli_agent, "run this machine's agent in the foreground"},
    {"adopt", cli_adopt, "take a running server that was there before into care"},
    {"release", cli_release, "let an adopted server go: it gets back what it had"},
    {"access-key", cli_access_key, "create, list and delete access keys"},
    {"bundle", cli_bundle, "fetch or export a trust bundle"},
    {"probe", cli_probe, "which certificate a database server serves, and whether it verifies"},
    {"fleet", cli_fleet, "the fleet's certificates and rotations at a glance"},
    {"rotate", cli_rotate, "change the CA, or answer pending maintenance, of one instance or many"},
    {"rehearse", cli_rehearse, "serve another CA's certificate for a while; who refused it"},
    {"forecast", cli_forecast, "what will have expired or been rotated by a date"},
};
enum { COMMAND_COUNT = sizeof commands / sizeof commands[0] };

static void print_help(FILE *out)
{
    fputs("usage: sealwright COMMAND [options]\n\nTLS server certificates for a fleet of databases, by "
          "Amazon RDS's own API.\n\n",
          out);
    for (int i = 0; i < COMMAND_COUNT; i++)
        fprintf(out, "  %-12s %s\n", commands[i].name, commands[i].what);
    fputs("\nsealwright COMMAND --help says more.\n", out);
}

int main(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : "";
    for (int i = 0; i < COMMAND_COUNT; i++)
        if (text_equal(commands[i].name, name))
            return commands[i].run(argc - 1, argv + 1);
    if (text_equal(name, "--version")) {
        puts("sealwright " SEALWRIGHT_VERSION);
        return 0;
    }
    bool asked = text_equal(name, "--help") || text_equal(name, "help");
    print_help(asked ? stdout : stderr);
    return asked ? 0 : 2;
}
