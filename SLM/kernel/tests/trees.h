// Device trees and memory maps: one is built, read, cut off at every byte, and changed at every byte.
#include "../kernel/map.h"
#include "../kernel/tree.h"

static void maps(void) {
    memory_map m = {0};
    map_add(&m, 100, 100);
    map_add(&m, 300, 50);
    map_cut(&m, 120, 30);
    CHECK(m.count == 3 && map_total(&m) == 120 && map_find(&m, 119)->end == 120 && !map_find(&m, 120) && map_find(&m, 150)->end == 200);
    map_cut(&m, 190, UINT64_MAX);
    CHECK(m.count == 2 && map_total(&m) == 60 && !map_find(&m, 300));
    for (u32 i = 0; i < 99; i++) map_add(&m, 1000 + 10 * i, 5);
    CHECK(m.count == COUNT(m.usable));
}

typedef struct {
    u8 blob[512];
    u32 size;         // bytes so far
    char strings[64]; // names of properties
    u32 n_strings;
} planted;

static void plant(planted *p, u32 cell) {
    for (u32 i = 0; i < 4; i++) p->blob[p->size++] = (u8)(cell >> (24 - 8 * i));
}

static void plant_text(planted *p, const char *text, u32 size) {
    memcpy(p->blob + p->size, text, size);
    p->size = (p->size + size + 3) & ~3u;
}

static void plant_property(planted *p, const char *name, const char *value, u32 size) {
    plant(p, 3), plant(p, size), plant(p, p->n_strings);
    memcpy(p->strings + p->n_strings, name, strlen(name) + 1);
    p->n_strings += (u32)strlen(name) + 1;
    plant_text(p, value, size);
}

static void plant_node(planted *p, const char *name) { plant(p, 1), plant_text(p, name, (u32)strlen(name) + 1); }

// A root with one device, whose addresses have one cell, and a node without properties after it.
static void plant_tree(planted *p) {
    *p = (planted){.size = 40 + 32};
    plant_node(p, "");
    plant_property(p, "#address-cells", "\0\0\0\1", 4);
    plant(p, 4);
    plant_node(p, "port@9000");
    plant_property(p, "compatible", "arm,pl011\0arm,primecell", 23);
    plant_property(p, "reg", "\0\0\x90\0\0\0\0\x40", 8);
    plant(p, 2), plant_node(p, "chosen"), plant(p, 2), plant(p, 2), plant(p, 9);
    u32 nodes = p->size, header[10] = {0xd00dfeed, 0, 72, nodes, 40, 17, 16, 0, p->n_strings, nodes - 72};
    plant_text(p, p->strings, p->n_strings);
    u32 all = p->size;
    header[1] = all, p->size = 0;
    for (u32 i = 0; i < COUNT(header); i++) plant(p, header[i]);
    plant(p, 0), plant(p, 0x4000), plant(p, 0), plant(p, 0x100);
    p->size = all;
}

// Reads all that can be read; returns how many nodes there were.
static u32 read_tree(const u8 *at, u64 size) {
    tree t;
    slm_error e;
    u64 start, length;
    u32 n = 0;
    if (tree_open(&t, at, size, &e)) return 0;
    for (u32 i = 0; tree_reservation(&t, i, &start, &length); i++) {}
    for (walk w = walk_start(&t); walk_next(&w); n++) {
        walk_is(&w, "nothing");
        walk_number(&w, "reg", 0);
        for (u32 i = 0; i < 9 && walk_region(&w, i, &start, &length); i++) {}
    }
    return n;
}

static void trees(void) {
    planted p;
    tree t;
    slm_error e;
    u64 at = 0, size = 0;
    plant_tree(&p);
    CHECK(!tree_open(&t, p.blob, p.size, &e) && tree_reservation(&t, 0, &at, &size) && at == 0x4000 && size == 0x100 && !tree_reservation(&t, 1, &at, &size));
    walk w = walk_start(&t);
    CHECK(walk_next(&w) && w.depth == 1 && !w.name.size && walk_number(&w, "#address-cells", 9) == 1 && walk_number(&w, "reg", 9) == 9);
    CHECK(walk_next(&w) && w.depth == 2 && bytes_equal(w.name, bytes_of("port@9000")));
    CHECK(walk_is(&w, "arm,primecell") && !walk_is(&w, "arm"));
    CHECK(walk_region(&w, 0, &at, &size) && at == 0x9000 && size == 0x40 && !walk_region(&w, 1, &at, &size));
    CHECK(walk_next(&w) && bytes_equal(w.name, bytes_of("chosen")) && !walk_property(&w, "reg").at && !walk_next(&w));
    for (u32 cut = 0; cut < p.size; cut++) {
        u8 *copy = malloc(cut + 1); // the sanitizer sees one byte too many
        memcpy(copy, p.blob, cut);
        CHECK(!read_tree(copy, cut));
        free(copy);
    }
    for (u32 i = 0; i < p.size; i++)
        for (u32 bit = 0; bit < 8; bit++) {
            u8 *copy = malloc(p.size);
            memcpy(copy, p.blob, p.size);
            copy[i] ^= (u8)(1 << bit);
            CHECK(read_tree(copy, p.size) < 99);
            free(copy);
        }
}
