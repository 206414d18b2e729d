/* An engine's new data folder: made beside its place, then renamed into it. */
#ifndef ENGINE_DATA_H
#define ENGINE_DATA_H

#include "engine/engine.h"

/* Makes the instance's data/ by `fill`, which makes and fills the folder `new_data` and need not sync it.
 * Durable when it returns 0; what earlier tries left is removed. */
int engine_data_make(const struct engine_instance *instance,
                     int (*fill)(const struct engine_instance *instance, const char *new_data,
                                 struct error *error),
                     struct error *error);

#endif
