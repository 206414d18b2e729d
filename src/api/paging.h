/* Pages of a list: MaxRecords and Marker. A marker says which action it is of and where its page ended; to
 * the caller it is opaque. */
#ifndef API_PAGING_H
#define API_PAGING_H

#include "api/call.h"

/* What the end of a page is told by. */
enum page_order {
    PAGE_BY_KEY,      /* the key of the last item: for lists that change between two pages */
    PAGE_BY_POSITION, /* how many items were passed: for short lists that hardly ever do */
};

struct page {
    int64_t most; /* MaxRecords */
    int64_t shown;
    bool more;
    int64_t position; /* PAGE_BY_POSITION: items passed on this walk */
    int64_t start;    /* ... and on the pages before */
    struct buf after; /* PAGE_BY_KEY: the last item of the page before; empty for the first page */
    struct buf last;  /* ... and of this one */
};

/* InvalidParameterValue for a marker that no reply of this action had. Free the page in any case. */
int page_open(const struct call *call, enum page_order order, struct page *page, struct error *error);
void page_free(struct page *page);
#define AUTO_PAGE __attribute__((cleanup(page_free)))

/* PAGE_BY_KEY: takes an item onto the page; false when the page is full, which ends the walk. */
bool page_take(struct page *page, const char *key);

enum page_turn { PAGE_SKIP, PAGE_SHOW, PAGE_FULL };
/* PAGE_BY_POSITION: what to do with the next item. */
enum page_turn page_next(struct page *page);

/* Writes <Marker> when there is more. */
void page_write_marker(const struct call *call, struct page *page);

#endif
