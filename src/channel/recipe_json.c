// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// The JSON body of a recipe. It is parsed when the recipe is compiled, so that it is JSON whatever
// the values are: holes are only looked for inside strings, and a value is escaped for the inside
// of a string. Names of members are literals.
//
// The tree is walked with an explicit stack, and its depth is bounded.
#include "base/assert.h"
#include "channel/recipe_inside.h"

// A container on the way down, and what has been written of it.
struct frame {
    json_t *container;
    void *member; // object: iterator
    size_t index; // array
    size_t written;
    struct plan_mark mark; // before the container and its name
};

struct walk {
    struct frame frames[RECIPE_JSON_DEPTH_MAX];
    size_t depth;
};

// The next child of the innermost container; NULL at its end. `name_out` is NULL in an array.
static json_t *next_child(struct frame *frame, const char **name_out)
{
    *name_out = NULL;
    if (json_is_array(frame->container))
        return json_array_get(frame->container, frame->index++);
    if (frame->member == NULL)
        return NULL;
    json_t *child = json_object_iter_value(frame->member);
    *name_out = json_object_iter_key(frame->member);
    frame->member = json_object_iter_next(frame->container, frame->member);
    return child;
}

static bool push(struct walk *walk, json_t *container, struct plan_mark mark)
{
    if (walk->depth == RECIPE_JSON_DEPTH_MAX)
        return false;
    walk->frames[walk->depth++] = (struct frame){
        .container = container,
        .member = json_is_object(container) ? json_object_iter(container) : NULL,
        .mark = mark,
    };
    return true;
}

static bool is_container(const json_t *json)
{
    return json_is_object(json) || json_is_array(json);
}

static struct span text_of(const json_t *string)
{
    return span_make(json_string_value(string), json_string_length(string));
}

static enum err check_tree(const struct recipe *recipe, enum recipe_place place, json_t *root,
                           struct err_info *info)
{
    struct walk walk = {.depth = 0};
    const char *name;
    (void)push(&walk, root, (struct plan_mark){0});
    while (walk.depth > 0) {
        json_t *child = next_child(&walk.frames[walk.depth - 1], &name);
        enum err err = ERR_OK;
        if (child == NULL) {
            walk.depth--;
        } else if (is_container(child) && !push(&walk, child, (struct plan_mark){0})) {
            err_info_set(info, "nested deeper than %u", RECIPE_JSON_DEPTH_MAX);
            return ERR_INVALID;
        } else if (json_is_string(child)) {
            err = recipe_template_check(recipe, place, text_of(child), info);
        }
        if (err != ERR_OK)
            return err;
    }
    return ERR_OK;
}

enum err recipe_json_read(const struct recipe *recipe, enum recipe_place place, struct span text,
                          json_t **out, uint32_t *line_out, struct err_info *info)
{
    json_error_t error;
    *line_out = 1;
    *out = json_loadb((const char *)text.data, text.len, JSON_REJECT_DUPLICATES, &error);
    if (*out == NULL) {
        *line_out = error.line > 0 ? (uint32_t)error.line : 1;
        err_info_set(info, "json: %s", error.text);
        return ERR_INVALID;
    }
    enum err err = check_tree(recipe, place, *out, info);
    if (err == ERR_OK)
        return ERR_OK;
    json_decref(*out);
    *out = NULL;
    return err;
}

static void put_raw(struct recipe_plan *plan, const char *text)
{
    plan_put_literal(plan, WIRE_RAW, span_of_text(text));
}

static void put_text(struct recipe_plan *plan, struct span text)
{
    put_raw(plan, "\"");
    plan_put_literal(plan, WIRE_JSON_TEXT, text);
    put_raw(plan, "\"");
}

// A string that is nothing but a number of the message becomes a JSON number.
static bool put_number(struct recipe_plan *plan, const struct plan_binding *binding,
                       struct span template)
{
    struct recipe_part part;
    struct span rest = template;
    if (rest.len == 0 || recipe_part_take(binding->recipe, &rest, &part, NULL) != ERR_OK ||
        part.filter != RECIPE_FILTER_NUMBER)
        return false;
    static const struct plan_encodings raw = {WIRE_RAW, WIRE_RAW};
    return plan_put_template(plan, binding, raw, template);
}

static bool put_string(struct recipe_plan *plan, const struct plan_binding *binding,
                       struct span template)
{
    static const struct plan_encodings inside = {WIRE_JSON_TEXT, WIRE_JSON_TEXT};
    if (put_number(plan, binding, template))
        return true;
    put_raw(plan, "\"");
    bool is_set = plan_put_template(plan, binding, inside, template);
    put_raw(plan, "\"");
    return is_set;
}

static bool put_scalar(struct recipe_plan *plan, const struct plan_binding *binding,
                       const json_t *json)
{
    if (json_is_string(json))
        return put_string(plan, binding, text_of(json));
    char text[64];
    size_t len = json_dumpb(json, text, sizeof text, JSON_ENCODE_ANY | JSON_COMPACT);
    ASSERT(len > 0 && len <= sizeof text);
    plan_put_literal(plan, WIRE_RAW, span_make(text, len));
    return true;
}

static bool is_open(const struct frame *frame)
{
    return json_is_object(frame->container);
}

// Ends the innermost container. One that had something and has lost all of it is taken back.
static void pop(struct walk *walk, struct recipe_plan *plan)
{
    const struct frame *frame = &walk->frames[--walk->depth];
    size_t had =
        is_open(frame) ? json_object_size(frame->container) : json_array_size(frame->container);
    bool is_lost = had > 0 && frame->written == 0 && walk->depth > 0;
    if (is_lost)
        plan_rewind(plan, &frame->mark);
    else
        put_raw(plan, is_open(frame) ? "}" : "]");
    if (walk->depth > 0 && !is_lost)
        walk->frames[walk->depth - 1].written++;
}

static void put_child(struct walk *walk, struct recipe_plan *plan,
                      const struct plan_binding *binding, json_t *child, const char *name)
{
    struct frame *frame = &walk->frames[walk->depth - 1];
    struct plan_mark mark = plan_mark(plan);
    if (frame->written > 0)
        put_raw(plan, ",");
    if (name != NULL) {
        put_text(plan, span_of_text(name));
        put_raw(plan, ":");
    }
    if (is_container(child)) {
        put_raw(plan, json_is_object(child) ? "{" : "[");
        bool is_pushed = push(walk, child, mark);
        ASSERT(is_pushed); // check_tree has been there
        return;
    }
    if (put_scalar(plan, binding, child))
        frame->written++;
    else
        plan_rewind(plan, &mark);
}

void plan_put_json(struct recipe_plan *plan, const struct plan_binding *binding, json_t *root)
{
    struct walk walk = {.depth = 0};
    const char *name;
    put_raw(plan, json_is_object(root) ? "{" : "[");
    (void)push(&walk, root, (struct plan_mark){0});
    while (walk.depth > 0) {
        json_t *child = next_child(&walk.frames[walk.depth - 1], &name);
        if (child == NULL)
            pop(&walk, plan);
        else
            put_child(&walk, plan, binding, child, name);
    }
}
