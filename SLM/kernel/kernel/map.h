// Which memory of the machine may be used: regions that boot code adds, less those that something else occupies.
#ifndef SLM_MAP_H
#define SLM_MAP_H

#include "../runtime/base.h"

typedef struct {
    u64 at, end; // bytes: the first, and the first past it
} region;

typedef struct {
    region usable[32];
    u32 count;
} memory_map;

void map_add(memory_map *m, u64 at, u64 size);    // beyond 32 regions nothing is added
void map_cut(memory_map *m, u64 at, u64 size);    // may split a region in two
u64 map_total(const memory_map *m);               // bytes
const region *map_find(const memory_map *m, u64 at); // the region that holds `at`, or NULL

#endif
