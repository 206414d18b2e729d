/* One server that was there before, on its way into Sealwright's care or out of it: the steps of the commands
 * adopt and release. What touches the server or its folder is done as the user whose processes it is. */
#ifndef CLI_CARE_H
#define CLI_CARE_H

#include "engine/adopted.h"
#include "fleet/settings.h"

struct care {
    const struct settings *settings;
    char owner[64]; /* user of the server's processes */
    const struct engine_driver *driver;
    char resource_id[40];
    bool known; /* its folder was there */
    char *folder;
    struct adopted server;
};
void care_free(struct care *care);

/* The server of a data folder: its owner, its engine, and its resource id where it was adopted before or is
 * half adopted. ERROR_DENIED when this process cannot become its owner. */
int care_of_data(struct care *care, const struct settings *settings, const char *data_folder,
                 struct error *error);
/* An adopted server by its identifier; `region` may be NULL. ERROR_NOT_FOUND, ERROR_INVALID where two regions
 * have it. */
int care_find(struct care *care, const struct settings *settings, const char *identifier, const char *region,
              struct error *error);

/* Asks the server itself; then what is to be changed (engine/adopted.h). */
int care_look(struct care *care, struct error *error);
/* Keeps the folder with adopted.json, from which everything can be undone, and with what makes the hooks mean
 * nothing yet. */
int care_write(struct care *care, struct error *error);
/* By the owner, else by root where only root could have prepared the files. */
int care_put_hooks(struct care *care, struct error *error);
int care_remove_hooks(struct care *care, struct error *error);
/* Removes the folder. */
int care_forget(struct care *care, struct error *error);
/* Reads adopted.json again; ERROR_NOT_FOUND once it is gone. */
int care_read(struct care *care, struct error *error);
/* In this process's stead of the agent: what the server served before serves again. */
int care_give_back(struct care *care, struct error *error);

/* A call to Sealwright's server with the certificate of the owner's agent (agent/channel.h). */
int care_call(struct care *care, const char *path, json_t *body, json_t **reply, struct error *error);

/* A question on the terminal; true when the answer is yes, or `yes` is given. */
bool care_confirm(const char *question, bool yes);

#endif
