// A flattened device tree (Devicetree Specification 0.4, chapter 5), read where it lies. Every offset in it is checked.
#ifndef SLM_TREE_H
#define SLM_TREE_H

#include "../runtime/base.h"

enum { TREE_DEPTH = 16 }; // nodes inside one another; a deeper tree ends there

typedef struct {
    bytes blob;                         // all of it
    bytes reservations, nodes, strings; // the three blocks in it
} tree;

int tree_open(tree *t, const u8 *at, u64 room, slm_error *e); // `room`: bytes that may be read at `at`

// A walk over all nodes in the order of the file, so parents come before their children.
typedef struct {
    const tree *of;
    u64 next;                   // offset of the next token in `nodes`
    u32 depth;                  // nodes that are open; 1 at the root
    bytes name;                 // of the node reached, with its unit address; empty at the root
    u64 properties;             // offset of its first one
    u32 cells[TREE_DEPTH + 1][2]; // #address-cells and #size-cells that hold for what lies in each open node
} walk;

walk walk_start(const tree *t);
bool walk_next(walk *w);                                 // false at the end, or where the tree is damaged
bytes walk_property(const walk *w, const char *name);    // of the node reached; at == NULL if it has none
u32 walk_number(const walk *w, const char *name, u32 otherwise); // a property of one cell
bool walk_region(const walk *w, u32 i, u64 *at, u64 *size); // the i-th entry of `reg`
bool walk_is(const walk *w, const char *compatible);     // whether it is one of the node's compatible strings

bytes take_string(bytes *list);                          // off the front of a list of strings, each closed by a zero
bool tree_reservation(const tree *t, u32 i, u64 *at, u64 *size); // the i-th entry of the reservation block

#endif
