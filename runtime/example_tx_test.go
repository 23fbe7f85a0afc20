package runtime_test

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/stepwell/stepwell/runtime"
)

func ExampleTx() {
	accounts := runtime.Setup(func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `
			CREATE TABLE IF NOT EXISTS app_accounts (name TEXT PRIMARY KEY, cents INTEGER NOT NULL CHECK (cents >= 0));
			INSERT OR IGNORE INTO app_accounts VALUES ('ada', 500), ('bob', 0)`)
		return err
	})
	pay := runtime.Define("pay", func(ctx context.Context, cents int) (int, error) {
		// Both accounts and the record of the step change in one commit.
		return runtime.Tx(ctx, "transfer", func(ctx context.Context, tx *sql.Tx) (left int, err error) {
			if _, err = tx.ExecContext(ctx, "UPDATE app_accounts SET cents = cents + ? WHERE name = 'bob'", cents); err != nil {
				return 0, err
			}
			err = tx.QueryRowContext(ctx, "UPDATE app_accounts SET cents = cents - ? WHERE name = 'ada' RETURNING cents", cents).Scan(&left)
			return left, err
		})
	})
	withRuntime(func(ctx context.Context) {
		fmt.Println(pay.Call(ctx, 300))
		_, err := pay.Call(ctx, 300, runtime.ID("pay-2"))
		fmt.Println(err)
		fmt.Println(pay.Call(ctx, 200))
	}, accounts, pay)
	// Output:
	// 200 <nil>
	// run pay-2 of pay failed: step "transfer" failed at attempt 1: constraint failed: CHECK constraint failed: cents >= 0 (275)
	// 0 <nil>
}
