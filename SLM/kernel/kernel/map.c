#include "map.h"

static void add(memory_map *m, u64 at, u64 end) {
    if (at < end && m->count < COUNT(m->usable)) m->usable[m->count++] = (region){at, end};
}

static u64 end_of(u64 at, u64 size) {
    u64 end;
    return __builtin_add_overflow(at, size, &end) ? UINT64_MAX : end;
}

void map_add(memory_map *m, u64 at, u64 size) { add(m, at, end_of(at, size)); }

void map_cut(memory_map *m, u64 at, u64 size) {
    u64 end = end_of(at, size);
    memory_map old = *m;
    m->count = 0;
    for (u32 i = 0; i < old.count; i++) {
        region r = old.usable[i];
        add(m, r.at, r.end < at ? r.end : at);
        add(m, r.at > end ? r.at : end, r.end);
    }
}

u64 map_total(const memory_map *m) {
    u64 sum = 0;
    for (u32 i = 0; i < m->count; i++) sum += m->usable[i].end - m->usable[i].at;
    return sum;
}

const region *map_find(const memory_map *m, u64 at) {
    for (u32 i = 0; i < m->count; i++)
        if (at >= m->usable[i].at && at < m->usable[i].end) return &m->usable[i];
    return NULL;
}
