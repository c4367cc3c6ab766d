#include "board.h"

// The last name of a path such as /soc/serial@10000000:115200.
static bytes last_name(bytes path) {
    bytes name = {path.at, 0};
    for (u64 i = 0; i < path.size && path.at[i] && path.at[i] != ':'; i++) {
        if (path.at[i] == '/') name = (bytes){path.at + i + 1, 0};
        else name.size++;
    }
    return name;
}

// Regions of a node, added to the map or cut out of it.
static void each_region(const walk *w, memory_map *map, void change(memory_map *, u64, u64)) {
    u64 at, size;
    for (u32 i = 0; walk_region(w, i, &at, &size); i++) change(map, at, size);
}

static void cut_reserved(const tree *t, memory_map *map) {
    u64 at, size;
    u32 within = 0; // depth of /reserved-memory while the walk is in it
    for (u32 i = 0; tree_reservation(t, i, &at, &size); i++) map_cut(map, at, size);
    for (walk w = walk_start(t); walk_next(&w);) {
        if (within && w.depth <= within) within = 0;
        if (within) each_region(&w, map, map_cut);
        if (bytes_equal(w.name, bytes_of("reserved-memory"))) within = w.depth;
    }
    map_cut(map, (u64)(uintptr_t)t->blob.at, t->blob.size);
}

void read_board(board *b, machine *m, const u8 *at, u64 room) {
    slm_error e;
    bytes console = {0};
    u64 start, size;
    *b = (board){0};
    if (tree_open(&m->tree, at, room, &e)) panic("%s", e.text);
    for (walk w = walk_start(&m->tree); walk_next(&w);) {
        bytes kind = walk_property(&w, "device_type");
        if (kind.size && bytes_equal(take_string(&kind), bytes_of("memory"))) each_region(&w, &m->map, map_add);
        if (bytes_equal(w.name, bytes_of("chosen"))) console = last_name(walk_property(&w, "stdout-path"));
        if (bytes_equal(w.name, bytes_of("psci"))) b->calls_smc = bytes_equal(walk_property(&w, "method"), (bytes){(const u8 *)"smc", 4});
        if (!b->timebase_hz) b->timebase_hz = walk_number(&w, "timebase-frequency", 0);
        if (walk_is(&w, "pci-host-ecam-generic") && !b->ecam && walk_region(&w, 0, &start, &size))
            b->ecam = start, b->buses = (u32)(size >> 20 < 256 ? size >> 20 : 256);
    }
    for (walk w = walk_start(&m->tree); console.size && walk_next(&w);)
        if (bytes_equal(w.name, console) && walk_region(&w, 0, &start, &size)) b->console = start;
    cut_reserved(&m->tree, &m->map);
}

static volatile u32 *pci_word(const board *b, u32 bus, u32 slot, u32 function, u32 offset) { // NULL beyond the last bus
    if (!b->ecam || bus >= b->buses) return NULL;
    return (volatile u32 *)(uintptr_t)(b->ecam + ((u64)bus << 20 | slot << 15 | function << 12 | (offset & 0xffc)));
}

u32 board_pci_read(const board *b, u32 bus, u32 slot, u32 function, u32 offset) {
    volatile u32 *at = pci_word(b, bus, slot, function, offset);
    return at ? *at : UINT32_MAX;
}

void board_pci_write(const board *b, u32 bus, u32 slot, u32 function, u32 offset, u32 value) {
    volatile u32 *at = pci_word(b, bus, slot, function, offset);
    if (at) *at = value;
}
