#include "tree.h"

enum { MAGIC = 0xd00dfeed, HEADER = 40, BEGIN = 1, END = 2, PROPERTY = 3, NOP = 4 };

static u32 big32(const u8 *at) { return (u32)at[0] << 24 | (u32)at[1] << 16 | (u32)at[2] << 8 | at[3]; }
static u64 big64(const u8 *at) { return (u64)big32(at) << 32 | big32(at + 4); }

static bool part(bytes whole, u64 at, u64 size, bytes *out) {
    if (at > whole.size || size > whole.size - at) return false;
    *out = (bytes){whole.at + at, size};
    return true;
}

int tree_open(tree *t, const u8 *at, u64 room, slm_error *e) {
    *t = (tree){0};
    if (room < HEADER || big32(at) != MAGIC) return slm_fail(e, SLM_FORMAT, "no device tree at 0x%lx", (u64)(uintptr_t)at);
    bytes all = {at, big32(at + 4)}, reservations, nodes, strings;
    if (all.size < HEADER || all.size > room) return slm_fail(e, SLM_TRUNCATED, "device tree of %lu bytes where %lu fit", all.size, room);
    if (!part(all, big32(at + 8), big32(at + 36), &nodes) || !part(all, big32(at + 12), big32(at + 32), &strings) || big32(at + 16) > all.size)
        return slm_fail(e, SLM_FORMAT, "a block of the device tree lies outside its %lu bytes", all.size);
    part(all, big32(at + 16), all.size - big32(at + 16), &reservations);
    *t = (tree){all, reservations, nodes, strings};
    return SLM_OK;
}

bool tree_reservation(const tree *t, u32 i, u64 *at, u64 *size) {
    bytes entry;
    if (!part(t->reservations, 16ull * i, 16, &entry)) return false;
    *at = big64(entry.at), *size = big64(entry.at + 8);
    return *at || *size;
}

bytes take_string(bytes *list) {
    bytes s = {list->at, 0};
    while (s.size < list->size && s.at[s.size]) s.size++;
    u64 taken = s.size < list->size ? s.size + 1 : s.size;
    list->at += taken, list->size -= taken;
    return s;
}

// Takes one token off the front of `rest`; of a property, value and name too. 0 where the tree is damaged or ends.
static u32 take_token(const tree *t, bytes *rest, bytes *name, bytes *value) {
    bytes start = *rest;
    u64 size = 4;
    if (start.size < 4) return 0;
    u32 token = big32(start.at);
    *rest = (bytes){start.at + 4, start.size - 4};
    if (token == BEGIN) *name = take_string(rest), size += name->size + 1;
    if (token == PROPERTY) {
        if (rest->size < 8 || !part(t->strings, big32(start.at + 8), 0, name) || !part(start, 12, big32(start.at + 4), value)) return 0;
        bytes list = {name->at, t->strings.size - big32(start.at + 8)};
        *name = take_string(&list);
        size = 12 + value->size;
    }
    if (!part(start, (size + 3) & ~3ull, 0, rest)) return 0; // tokens begin at multiples of four
    rest->size = start.size - (u64)(rest->at - start.at);
    return token >= BEGIN && token <= NOP ? token : 0;
}

walk walk_start(const tree *t) { return (walk){.of = t, .cells = {{2, 1}}}; }

bool walk_next(walk *w) {
    bytes rest, name, value;
    if (!part(w->of->nodes, w->next, 0, &rest)) return false;
    rest.size = w->of->nodes.size - w->next;
    for (u32 token; (token = take_token(w->of, &rest, &name, &value));) {
        w->next = (u64)(rest.at - w->of->nodes.at);
        if (token == END && !w->depth--) return false;
        if (token != BEGIN) continue;
        if (w->depth == TREE_DEPTH) return false;
        w->depth++, w->name = name, w->properties = w->next;
        w->cells[w->depth][0] = walk_number(w, "#address-cells", 2);
        w->cells[w->depth][1] = walk_number(w, "#size-cells", 1);
        return true;
    }
    return false;
}

bytes walk_property(const walk *w, const char *name) {
    bytes rest = {w->of->nodes.at + w->properties, w->of->nodes.size - w->properties}, found, value;
    for (u32 token; (token = take_token(w->of, &rest, &found, &value)) == PROPERTY || token == NOP;)
        if (token == PROPERTY && bytes_equal(found, bytes_of(name))) return value;
    return (bytes){0};
}

u32 walk_number(const walk *w, const char *name, u32 otherwise) {
    bytes value = walk_property(w, name);
    return value.size == 4 ? big32(value.at) : otherwise;
}

// A number of `cells` cells; of more than two the last two count.
static u64 cells_at(const u8 *at, u32 cells) {
    return cells == 0 ? 0 : cells == 1 ? big32(at) : big64(at + 4 * (cells - 2));
}

bool walk_region(const walk *w, u32 i, u64 *at, u64 *size) {
    const u32 *cells = w->cells[w->depth ? w->depth - 1 : 0];
    u64 bytes_each = 4ull * ((u64)cells[0] + cells[1]);
    bytes entry;
    if (!bytes_each || !part(walk_property(w, "reg"), i * bytes_each, bytes_each, &entry)) return false;
    *at = cells_at(entry.at, cells[0]), *size = cells_at(entry.at + 4ull * cells[0], cells[1]);
    return true;
}

bool walk_is(const walk *w, const char *compatible) {
    bytes list = walk_property(w, "compatible");
    while (list.size)
        if (bytes_equal(take_string(&list), bytes_of(compatible))) return true;
    return false;
}
