#include "devices.h"

#include "rules.h"

// ---- PCI ----

enum { IDS = 0, CLASS = 8, KIND = 0xc, BUSES = 0x18 }; // offsets in a function's configuration space

static bool present(u32 bus, u32 slot, u32 function) { return (arch_pci_read(bus, slot, function, IDS) & 0xffff) != 0xffff; }

static u32 functions_of(u32 bus, u32 slot) {
    if (!present(bus, slot, 0)) return 0;
    return arch_pci_read(bus, slot, 0, KIND) & 0x800000 ? 8 : 1;
}

static bool is_bridge(u32 bus, u32 slot, u32 function) {
    return present(bus, slot, function) && (arch_pci_read(bus, slot, function, KIND) >> 16 & 0x7f) == 1;
}

// The highest bus number that firmware has given away.
static u32 last_bus(void) {
    u32 last = 0;
    for (u32 slot = 0; slot < 32; slot++)
        for (u32 f = 0, n = functions_of(0, slot); f < n; f++) {
            u32 behind = is_bridge(0, slot, f) ? arch_pci_read(0, slot, f, BUSES) >> 16 & 255 : 0;
            if (behind > last) last = behind;
        }
    return last;
}

// Gives the far side of each bridge that has none a number; those from `next` on are free. A bridge passes on what is
// meant for any of them until all behind it have theirs.
static u32 number_buses(u32 bus, u32 next) {
    for (u32 slot = 0; slot < 32; slot++)
        for (u32 f = 0, n = functions_of(bus, slot); f < n; f++) {
            if (!is_bridge(bus, slot, f) || arch_pci_read(bus, slot, f, BUSES) & 0xff00 || next > 255) continue;
            u32 far = next;
            arch_pci_write(bus, slot, f, BUSES, 255u << 16 | far << 8 | bus);
            next = number_buses(far, far + 1);
            arch_pci_write(bus, slot, f, BUSES, (next - 1) << 16 | far << 8 | bus);
        }
    return next;
}

// Looks at every bus number rather than following bridges: 8192 reads, and no bridge can hide anything.
u32 find_functions(device *found, u32 cap) {
    u32 n = 0;
    number_buses(0, last_bus() + 1);
    for (u32 bus = 0; bus < 256; bus++)
        for (u32 slot = 0; slot < 32; slot++)
            for (u32 f = 0, functions = functions_of(bus, slot); f < functions && n < cap; f++) {
                if (!present(bus, slot, f)) continue;
                u32 id = arch_pci_read(bus, slot, f, IDS);
                device *d = &found[n++];
                *d = (device){.class = arch_pci_read(bus, slot, f, CLASS) >> 8, .count = 1};
                slm_format(d->text, sizeof d->text, "%04x:%04x %02x:%02x.%u", id & 0xffff, id >> 16, bus, slot, f);
                d->id = (bytes){(const u8 *)d->text, 9}, d->place = (bytes){(const u8 *)d->text + 10, 7};
            }
    return n;
}

// ---- device tree ----

// Compatible strings go from the particular to the general: the first that has a fact, or the first.
static bytes known_as(bytes list) {
    bytes first = take_string(&list);
    fact f;
    for (bytes id = first;; id = take_string(&list)) {
        if (find_fact(id, &f)) return f.id;
        if (!list.size) return first;
    }
}

u32 find_nodes(const tree *t, device *found, u32 cap) {
    u32 n = 0;
    for (walk w = walk_start(t); walk_next(&w);) {
        bytes list = walk_property(&w, "compatible");
        if (!list.size || w.depth < 2) continue; // the root is the machine itself
        bytes id = known_as(list);
        u32 same = 0;
        while (same < n && !bytes_equal(found[same].id, id)) same++;
        if (same < n) found[same].count++;
        else if (n < cap) found[n++] = (device){.id = id, .place = w.name, .count = 1, .on_tree = true};
    }
    return n;
}
