#include "base/memory.h"
#include "base/text.h"
#include "pki/certificate.h"

#include <stdlib.h>

void text_list_add(struct text_list *list, const char *text)
{
    list->items = mem_grow(list->items, list->count + 1, sizeof *list->items);
    list->items[list->count++] = mem_string(text);
}

bool text_list_has(const struct text_list *list, const char *text)
{
    for (size_t i = 0; i < list->count; i++)
        if (text_equal_ignoring_case(list->items[i], text))
            return true;
    return false;
}

bool text_list_equal(const struct text_list *a, const struct text_list *b)
{
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++)
        if (!text_equal(a->items[i], b->items[i]))
            return false;
    return true;
}

void text_list_copy(struct text_list *target, const struct text_list *source)
{
    text_list_free(target);
    for (size_t i = 0; i < source->count; i++)
        text_list_add(target, source->items[i]);
}

void text_list_free(struct text_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->items[i]);
    free(list->items);
    *list = (struct text_list){0};
}

void certificate_list_add(struct certificate_list *list, X509 *certificate)
{
    X509_up_ref(certificate);
    list->items = mem_grow(list->items, list->count + 1, sizeof *list->items);
    list->items[list->count++] = certificate;
}

void certificate_list_free(struct certificate_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        X509_free(list->items[i]);
    free(list->items);
    *list = (struct certificate_list){0};
}
