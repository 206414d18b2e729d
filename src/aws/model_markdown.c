/* The tables of actions as a page of documentation. */
#include "aws/model.h"

#include "base/memory.h"

static const char *type_name(enum model_type type)
{
    static const char *const names[] = {
        [MODEL_STRING] = "string",       [MODEL_INTEGER] = "integer",
        [MODEL_LONG] = "long",           [MODEL_BOOLEAN] = "boolean",
        [MODEL_TIMESTAMP] = "timestamp", [MODEL_STRINGS] = "list of strings",
        [MODEL_STRUCTURE] = "structure", [MODEL_STRUCTURES] = "list of structures",
    };
    return names[type];
}

static const char *disposition_name(enum model_disposition disposition)
{
    static const char *const names[] = {[MODEL_USED] = "used",
                                        [MODEL_KEPT] = "kept",
                                        [MODEL_IGNORED] = "ignored",
                                        [MODEL_REFUSED] = "refused"};
    return names[disposition];
}

static void print_names(struct buf *buf, const char *const *names)
{
    for (const char *const *name = names; *name; name++)
        buf_printf(buf, "%s`%s`", name == names ? "" : ", ", *name);
}

static void print_bounds(struct buf *buf, const struct model_member *member)
{
    if (member->allowed)
        print_names(buf, member->allowed);
    else if (member->format == MODEL_IDENTIFIER)
        buf_append_text(buf, "identifier");
    else if (member->most && member->type == MODEL_STRING)
        buf_printf(buf, "%lld to %lld characters", (long long)member->least, (long long)member->most);
    else if (member->most)
        buf_printf(buf, "%lld to %lld", (long long)member->least, (long long)member->most);
}

static void print_disposition(struct buf *buf, const struct model_member *member)
{
    buf_append_text(buf, disposition_name(member->disposition));
    if (member->disposition != MODEL_REFUSED)
        return;
    if (member->harmless)
        buf_printf(buf, ", but for `%s`", member->harmless);
    buf_printf(buf, " (`%s`)", member->code ? member->code : "InvalidParameterCombination");
}

static void print_member(struct buf *buf, const char *path, const struct model_member *member)
{
    buf_printf(buf, "| `%s%s` | %s%s | ", path, member->name, type_name(member->type),
               member->required ? ", required" : "");
    print_bounds(buf, member);
    buf_append_text(buf, " | ");
    print_disposition(buf, member);
    buf_printf(buf, " | %s |\n", member->reason ? member->reason : "");
}

/* A member and, unless it is refused anyway, those inside it. */
static void print_members(struct buf *buf, const char *path, const struct model_member *members)
{
    for (const struct model_member *member = members; member->name; member++) {
        print_member(buf, path, member);
        if (!member->members || member->disposition == MODEL_REFUSED)
            continue;
        AUTO_FREE char *inner = member->item ? mem_format("%s%s.%s.N.", path, member->name, member->item)
                                             : mem_format("%s%s.", path, member->name);
        print_members(buf, inner, member->members);
    }
}

static void print_action(struct buf *buf, const struct model_action *action)
{
    buf_printf(buf, "\n## %s\n\n", action->name);
    if (action->changes)
        buf_append_text(buf, "Changes something: a read-only access key may not call it.\n\n");
    if (action->filters && *action->filters) {
        buf_append_text(buf, "Filters: ");
        print_names(buf, action->filters);
        buf_append_text(buf, ".\n\n");
    } else if (action->filters) {
        buf_append_text(buf, "Filters: no name is supported, as in RDS.\n\n");
    }
    buf_append_text(buf, "| member | type | values | here | why |\n| --- | --- | --- | --- | --- |\n");
    print_members(buf, "", action->members);
}

void model_print_markdown(struct buf *buf)
{
    buf_append_text(
        buf, "# The API: actions and members\n\n"
             "Sealwright answers these actions of the Amazon RDS API, version " MODEL_API_VERSION
             ". Any other action gets what RDS says to an\nunknown one: `InvalidAction`, status 400.\n\n"
             "Every member that RDS's service model names is listed:\n\n"
             "- *used*: acted upon;\n"
             "- *kept*: accepted, stored and shown as given, without effect;\n"
             "- *ignored*: accepted, without effect;\n"
             "- *refused*: accepting it would promise what is not done, so the request gets the error named "
             "beside it. "
             "An empty text\n  or list asks for nothing and is accepted even there.\n\n"
             "This page is printed from the tables in `src/aws/model_*.c`; a unit test compares the two\n"
             "(`SEALWRIGHT_WRITE_DOCS=1` writes the page anew).\n");
    for (const struct model_action *const *action = model_actions; *action; action++)
        print_action(buf, *action);
}
