#include "cli/operate.h"

#include "base/clock.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/command.h"
#include "server/privilege.h"
#include "server/server.h"
#include "truststore/catalog.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BAR_WIDTH = 40 };

static int load(struct operation *operation, const char *run_folder, struct error *error)
{
    AUTO_FREE char *folder = cli_run_folder(run_folder);
    *operation = (struct operation){0};
    int result = settings_load(&operation->settings, folder, error);
    return result ? result : privilege_drop(operation->settings.server_user, error);
}

int operation_open(struct operation *operation, const char *run_folder, struct error *error)
{
    int result = load(operation, run_folder, error);
    return result ? result : server_open_fleet(&operation->settings, &operation->fleet, error);
}

int operation_open_read_only(struct operation *operation, const char *run_folder, struct error *error)
{
    int result = load(operation, run_folder, error);
    if (result)
        return result;
    AUTO_FREE char *file = settings_path(&operation->settings, SERVER_STORE_FILE);
    operation->fleet.settings = &operation->settings;
    return store_open_read_only(file, &operation->fleet.store, error);
}

int operation_check_region(const struct operation *operation, const char *region, struct error *error)
{
    AUTO_BUF struct buf names = {0};
    if (!region || region_find(&operation->settings.regions, region))
        return 0;
    catalog_region_names(&operation->settings, &names);
    return error_set(error, ERROR_NOT_FOUND, "there is no region %s; there are: %s", region,
                     buf_text(&names));
}

void operation_close(struct operation *operation)
{
    if (operation->fleet.store)
        server_close_fleet(&operation->fleet);
    settings_free(&operation->settings);
}

void progress_begin(struct progress *progress, FILE *out, const char *what, int64_t total)
{
    *progress = (struct progress){
        .out = out, .what = what, .total = total, .shown = -1, .terminal = isatty(fileno(out)) == 1};
}

void progress_show(struct progress *progress, int64_t done)
{
    char bar[BAR_WIDTH + 1];
    int filled = progress->total > 0 ? (int)(done * BAR_WIDTH / progress->total) : BAR_WIDTH;
    if (done == progress->shown)
        return;
    progress->shown = done;
    if (!progress->terminal) {
        fprintf(progress->out, "%lld of %lld %s\n", (long long)done, (long long)progress->total,
                progress->what);
        fflush(progress->out);
        return;
    }
    memset(bar, ' ', BAR_WIDTH);
    memset(bar, '#', (size_t)(filled < BAR_WIDTH ? filled : BAR_WIDTH));
    bar[BAR_WIDTH] = 0;
    fprintf(progress->out, "\r[%s] %lld of %lld %s", bar, (long long)done, (long long)progress->total,
            progress->what);
    fflush(progress->out);
}

void progress_break(struct progress *progress)
{
    progress_end(progress);
    fflush(progress->out);
    progress->shown = progress->terminal ? -1 : progress->shown;
}

void progress_end(struct progress *progress)
{
    if (progress->terminal && progress->shown >= 0)
        putc('\n', progress->out);
}

bool operation_date(const char *text, int64_t *when)
{
    int64_t days = 0;
    size_t length = strlen(text);
    if (text[0] == '+' && length > 2 && text[length - 1] == 'd') {
        AUTO_FREE char *number = slice_string(slice_of(text + 1, length - 2));
        *when = clock_now();
        if (!text_integer(number, 0, 36525, &days))
            return false;
        *when += days * CLOCK_DAY;
        return true;
    }
    AUTO_FREE char *midnight = mem_format("%sT00:00:00Z", text);
    return clock_parse(text, when) || clock_parse(midnight, when);
}
