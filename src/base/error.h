/* How a function says that it failed: it returns a code (0 is success) and fills a struct error. */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

enum error_code {
    ERROR_NONE = 0,
    ERROR_INVALID,   /* the input is malformed or out of range */
    ERROR_NOT_FOUND, /* the named thing is not there */
    ERROR_EXISTS,    /* the named thing is there already */
    ERROR_DENIED,    /* a rule or a policy forbids it */
    ERROR_STATE,     /* not in this state of the thing */
    ERROR_BUSY,      /* not yet: the same call may succeed later */
    ERROR_TIMEOUT,   /* a deadline passed */
    ERROR_LIMIT,     /* a size or a number is over its limit */
    ERROR_IO,        /* a file, socket, process or database failed */
    ERROR_CRYPTO,    /* a library of cryptography refused */
    ERROR_INTERNAL,  /* cannot happen */
};

struct error {
    enum error_code code;
    /* The failure's name in the caller's protocol (an RDS error code such as "DBInstanceNotFound"); a static
     * string or NULL. */
    const char *name;
    char text[600];
};

/* Fills `error` (which may be NULL) with a code and a text that names the thing, what was expected and what
 * was found. Clears the name. Returns `code`, so that a caller can `return error_set(...)`. */
int error_set(struct error *error, enum error_code code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The same with the failure's name in the caller's protocol; `name` must be a static string. */
int error_set_named(struct error *error, enum error_code code, const char *name, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* The same, followed by ": " and the text of the system's errno `number`; the code is ERROR_IO. */
int error_set_system(struct error *error, int number, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Puts "<text>: " before the text that is already there. Returns the code that is already there. */
int error_prefix(struct error *error, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
