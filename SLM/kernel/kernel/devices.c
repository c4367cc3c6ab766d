#include "devices.h"

#include "arch.h"

// Looks at every bus number rather than following bridges: 8192 reads, and no bridge can hide anything.
u32 find_devices(pci_device *found, u32 cap) {
    u32 n = 0;
    for (u32 bus = 0; bus < 256; bus++)
        for (u32 slot = 0; slot < 32; slot++) {
            u32 functions = 1;
            for (u32 function = 0; function < functions && n < cap; function++) {
                u32 id = arch_pci_read(bus, slot, function, 0);
                if ((id & 0xffff) == 0xffff) continue;
                if (!function && arch_pci_read(bus, slot, 0, 0x0c) & 0x00800000) functions = 8;
                pci_device *d = &found[n++];
                *d = (pci_device){.bus = (u8)bus, .slot = (u8)slot, .function = (u8)function, .class = arch_pci_read(bus, slot, function, 8) >> 8};
                slm_format(d->id, sizeof d->id, "%04x:%04x", id & 0xffff, id >> 16);
            }
        }
    return n;
}
