// The fact table that is part of the image, and the rule engine that answers from it. Neither needs a model or memory.
#ifndef SLM_RULES_H
#define SLM_RULES_H

#include "../runtime/base.h"

// One row: tab-separated in the image, sets of drivers joined by " or ", "none" where Linux has no driver.
typedef struct {
    bytes id, vendor, name, short_name, drivers;
} fact;

u32 fact_count(void);
bool find_fact(bytes id, fact *f);
bool agrees_driver(const fact *f, bytes answer); // names at least one driver of the set and nothing else
bool agrees_name(const fact *f, bytes answer);   // is the name or the short name
u32 rule_answer(bytes question, char *out, u32 cap);

// The wordings in which the kernel asks, each with {id} in it: part of the table, so that they are those of the training.
bytes ask_driver(void);
bytes ask_name(void);

#endif
