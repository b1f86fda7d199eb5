// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// The parts of a load. Each reports all that it finds wrong and goes on.

#include "config/config.h"
#include "config/yaml.h"

// What the command line says, before any of it is applied: the file must be known first.
struct config_flags {
    bool is_dev;
    struct span file;                         // data NULL: none
    struct span values[CONFIG_OPTION_COUNT_]; // data NULL: not given
};

void config_flags_parse(const struct config_sources *sources, struct config_flags *out,
                        struct config_report *report);

// Reads config->file into config->server and config->brands. ERR_NO_MEMORY; what is wrong with the
// file is in the report.
MUST_CHECK enum err config_file_load(struct config *config, struct config_report *report);

// One scalar of the file into one option. ERR_INVALID with a story.
MUST_CHECK enum err config_node_set(const struct option *option, void *settings,
                                    const struct yaml_node *value, struct err_info *info);

// One entry of a list in the file: a mapping whose keys are options of the parts' tables.
#define CONFIG_ENTRY_PARTS_MAX 3U
#define CONFIG_ENTRY_OPTIONS_MAX 64U // rows of one table that can be kept track of; asserted

struct config_entry_part {
    struct option_table table;
    void *settings;
    const struct yaml_node *given[CONFIG_ENTRY_OPTIONS_MAX]; // the value of each row; NULL: none
    uint32_t lines[CONFIG_ENTRY_OPTIONS_MAX];                // of its key; 0: none
};

struct config_entry {
    const char *list; // its name
    const char *file;
    const struct yaml_document *document;
    struct config_report *report;
    const struct yaml_node *node;
    struct config_entry_part parts[CONFIG_ENTRY_PARTS_MAX];
    size_t parts_count;
};

// Every option that the entry gives into its part's settings.
void config_entry_read(struct config_entry *entry);

// The value of that key, also before the entry has been read; NULL: none.
const struct yaml_node *config_entry_value(const struct config_entry *entry, struct span key);

void config_entry_complain(const struct config_entry *entry, const struct yaml_node *node,
                           const struct err_info *info);

// A brand's translations: a mapping of languages to mappings of texts. What is wrong with it is
// complained about.
void config_translations_read(const struct config_entry *entry, const struct option *option,
                              const struct yaml_node *value, struct brand_settings *settings);

// Where a story belongs that begins with an option's name ("host: …") or with the path to one of an
// object's members ("translations.vi.smsTemplate: …"): where that is given, or else the entry.
const struct yaml_node *config_entry_place(const struct config_entry *entry,
                                           const struct err_info *info);

// Gives each entry of the sequence list->node to on_entry, which says ERR_OK or ERR_NO_MEMORY;
// complains of what is no list of mappings.
typedef enum err config_on_entry(struct config *config, struct config_entry *entry);

MUST_CHECK enum err config_entries_each(struct config *config, const struct config_entry *list,
                                        config_on_entry *on_entry);

// The brands of the sequence `node` into config->brands. ERR_NO_MEMORY; the rest is in the report.
MUST_CHECK enum err config_brands_load(struct config *config, const struct yaml_document *document,
                                       const struct yaml_node *node, struct config_report *report);

// The providers of the sequence `node` into config->providers. As config_brands_load.
MUST_CHECK enum err config_providers_load(struct config *config,
                                          const struct yaml_document *document,
                                          const struct yaml_node *node,
                                          struct config_report *report);

// The routes of the sequence `node` into config->routes, when all providers are there. As
// config_brands_load.
MUST_CHECK enum err config_routes_load(struct config *config, const struct yaml_document *document,
                                       const struct yaml_node *node, struct config_report *report);

bool config_routes_are_equal(const struct config *config, const struct config *other);

// https, a host, a path, and nothing that a URL below it could not begin with. A story.
MUST_CHECK enum err config_public_url_check(const struct config_server *server,
                                            struct err_info *info);

// Complains of names that cannot stand in the URLs that providers are told.
void config_provider_names_check(const struct config *config, struct config_report *report);

// Are the same providers set in both, with the same passwords?
bool config_providers_are_equal(const struct config *config, const struct config *other);

// A file's first bytes: at most `cap`, ERR_INVALID when there are more.
struct file_facts {
    size_t len;
    bool is_private; // nobody else may read it, and its group may not change it
};

MUST_CHECK enum err config_file_read(const char *path, void *storage, size_t cap,
                                     struct file_facts *facts_out, struct err_info *info);

// The token secret that the file at brand->token_key_file holds. ERR_INVALID with a story that
// names the command which mends it.
MUST_CHECK enum err config_token_key_load(struct config_brand *brand, struct err_info *info);

// The settings of an entry whose kind has a recipe; its first part has been set up. ERR_NO_MEMORY;
// the rest is in the report.
MUST_CHECK enum err config_http_provider_take(struct config_entry *entry,
                                              struct config_provider *provider);

struct config_secret_file {
    const char *option; // its name
    const char *path;
};

// What the file holds, one line, into `out` with a NUL. ERR_INVALID with a story that begins with
// the option's name and says nothing of what is in the file.
MUST_CHECK enum err config_secret_load(const struct config_secret_file *file, char *out, size_t cap,
                                       struct err_info *info);

// `unknown option "lisen"; did you mean "listen"?`
void config_say_unknown(const char *prefix, struct span name, const char *nearest,
                        struct err_info *info);
