// The fact table that is part of the image, and the rule engine that answers from it. Neither needs a model or memory.
#ifndef SLM_RULES_H
#define SLM_RULES_H

#include "../runtime/base.h"

// One row, of a PCI device or of a compatible string: tab-separated in the image, sets of drivers joined by " or ", "none" where Linux has no driver. Rows are sorted
// by id, in lower case.
typedef struct {
    bytes id, vendor, name, short_name, drivers;
} fact;

u32 fact_count(void);
bool find_fact(bytes id, fact *f);
bool agrees_driver(const fact *f, bytes answer); // names at least one driver of the set and nothing else
bool agrees_name(const fact *f, bytes answer);   // is the name or the short name
u32 rule_answer(bytes question, char *out, u32 cap);

// The wordings in which the kernel asks, each with {id} in it: part of the table, so that they are those of the training.
enum { DRIVER_OF_FUNCTION, NAME_OF_FUNCTION, DRIVER_OF_NODE, NAME_OF_NODE, WORDINGS };
bytes wording(u32 which);

#endif
