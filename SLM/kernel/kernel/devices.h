// The PCI functions of this machine.
#ifndef SLM_DEVICES_H
#define SLM_DEVICES_H

#include "../runtime/base.h"

typedef struct {
    u8 bus, slot, function;
    u32 class; // base class, subclass, programming interface: one byte each
    char id[10]; // "vvvv:dddd"
} pci_device;

u32 find_devices(pci_device *found, u32 cap); // returns how many, in order of bus, slot, function

#endif
