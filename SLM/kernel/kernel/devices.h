// The devices of this machine: functions on its PCI buses, and nodes of its device tree.
#ifndef SLM_DEVICES_H
#define SLM_DEVICES_H

#include "arch.h"

typedef struct {
    bytes id;       // "vvvv:dddd", or the compatible string by which a node is known
    bytes place;    // "bb:ss.f", or the name of the first such node
    u32 class;      // PCI: base class, subclass, programming interface, one byte each
    u32 count;      // nodes that are alike; 1 for PCI
    bool on_tree;
    char text[20];  // what a PCI function's id and place point to
} device;

u32 find_functions(device *found, u32 cap);           // returns how many, in order of bus, slot, function
u32 find_nodes(const tree *t, device *found, u32 cap); // in order of the tree, each kind once

#endif
