#include <stdlib.h>

#include "floor.h"

// A binary heap of clients by the time they are due; places count from 1.
static client **heap;
static size_t count, capacity;

static void place(client *moved, size_t index) {
    heap[index] = moved;
    moved->heap_index = index;
}

static void sift(client *moved, size_t index) {
    while (index > 1 && heap[index / 2]->due_ns > moved->due_ns) {
        place(heap[index / 2], index);
        index /= 2;
    }
    for (size_t child; (child = index * 2) <= count; index = child) {
        if (child < count && heap[child + 1]->due_ns < heap[child]->due_ns) child++;
        if (heap[child]->due_ns >= moved->due_ns) break;
        place(heap[child], index);
    }
    place(moved, index);
}

void timers_add(client *added) {
    if (count + 2 > capacity) {
        capacity = capacity ? capacity * 2 : 1024;
        heap = realloc(heap, capacity * sizeof *heap);
        if (!heap) abort();
    }
    sift(added, ++count);
}

void timers_remove(client *removed) {
    size_t index = removed->heap_index;
    if (!index) return;
    removed->heap_index = 0;
    client *last = heap[count--];
    if (last != removed) sift(last, index);
}

client *timers_first(void) { return count ? heap[1] : NULL; }
