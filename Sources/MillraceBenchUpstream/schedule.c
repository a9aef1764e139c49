#include "upstream.h"

// Connections by the time they are due. Streams of one pace take turns, so that the place of one that is due again is the end or near it.
static connection *first, *last;

void schedule_add(connection *added) {
    connection *before = last;
    while (before && before->due_ns > added->due_ns) before = before->earlier;
    added->earlier = before;
    added->later = before ? before->later : first;
    *(added->earlier ? &added->earlier->later : &first) = added;
    *(added->later ? &added->later->earlier : &last) = added;
    added->is_scheduled = true;
}

void schedule_remove(connection *removed) {
    if (!removed->is_scheduled) return;
    *(removed->earlier ? &removed->earlier->later : &first) = removed->later;
    *(removed->later ? &removed->later->earlier : &last) = removed->earlier;
    removed->is_scheduled = false;
}

connection *schedule_first(void) { return first; }
