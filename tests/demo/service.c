/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The new orders service of the demo, on MariaDB: one table renamed, money in cents, the same API.
 */
#include "tests/demo/shop.h"

static const struct shop_side service = {
    .name = "orders",
    .insert_order = "insert into customer_orders (customer_id, ref, status, total_cents)"
                    " values (?, ?, 'placed', ?) returning id",
    .insert_line = "insert into order_lines (order_id, product_id, quantity, price)"
                   " values (?, ?, ?, cast(? as signed) / 100)",
    .insert_facts = "insert into order_facts (order_id, message, gift, due)"
                    " values (?, ?, true, date '2026-12-24')",
    .increment = "update customer_orders set hits = hits + ? where id = ?",
    .find_order =
        "select o.customer_id, o.ref, o.status, cast(o.total_cents / 100 as decimal(12, 2)),"
        " o.hits, f.message, f.due from customer_orders o"
        " left join order_facts f on f.order_id = o.id where o.id = ?",
    .find_lines =
        "select product_id, quantity, price from order_lines where order_id = ? order by id",
    .find_newest = "select id, cast(total_cents / 100 as decimal(12, 2)) from customer_orders"
                   " where customer_id = ? order by id desc limit 10",
};

int main(int argc, char **argv)
{
    return shop_main(&service, argc, argv);
}
