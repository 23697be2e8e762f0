package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"countersign/dev/internal/child"
)

// demoPeople are those of the demo programme who sign in to the console; keeper gives them their accounts.
var demoPeople = []demoPerson{
	{"li", "Li Na, vendor finance: reviews and pays"},
	{"wang", "Wang Wei, vendor finance and ecosystem manager"},
	{"zhao", "Zhao Min, finance manager: signs, escalations, policies, audit"},
	{"olga", "Olga Ou, vendor operations: policies, calendar, audit"},
	{"alice", "Alice Chen, administrator of partner P1001"},
	{"bob", "Bob Xu of partner P1002, withdrawals"},
}

type demoPerson struct{ id, about string }

const accountsProgramme, keeper = "dev/accounts.yaml", "keeper"

// account is a person of the demo with the password that up printed at its first start.
type account struct {
	demoPerson
	password string
}

// demoAccounts gives the demo's people accounts. What was given is kept in a file that only this user reads, and shown
// again at later starts.
func (c checkout) demoAccounts(ctx context.Context, env []string) ([]account, error) {
	file := filepath.Join(c.home, "up", "accounts")
	kept, err := os.ReadFile(file)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	passwords := map[string]string{}
	for line := range strings.Lines(string(kept)) {
		if person, password, ok := strings.Cut(strings.TrimSpace(line), " "); ok {
			passwords[person] = password
		}
	}
	var accounts []account
	for _, person := range demoPeople {
		if passwords[person.id] == "" {
			if passwords[person.id], err = c.giveAccount(ctx, env, person.id); err != nil {
				return nil, err
			}
			kept = fmt.Appendf(kept, "%s %s\n", person.id, passwords[person.id])
			if err := os.WriteFile(file, kept, 0o600); err != nil {
				return nil, err
			}
		}
		accounts = append(accounts, account{person, passwords[person.id]})
	}
	return accounts, nil
}

// giveAccount gives somebody an account and sets a password of their own, as its first sign-in asks for.
func (c checkout) giveAccount(ctx context.Context, env []string, person string) (string, error) {
	var out bytes.Buffer
	give := c.command(env, c.bin("starter"), "person", "account", person, "--as", keeper, "--json")
	give.Stdout = &out
	if err := child.Run(ctx, give); err != nil {
		return "", fmt.Errorf("starter person account %s: %w\n%s", person, err, out.String())
	}
	var given struct {
		Account string `json:"account_name"`
		Initial string `json:"initial_password"`
	}
	if err := json.Unmarshal(out.Bytes(), &given); err != nil {
		return "", fmt.Errorf("starter person account %s: %w", person, err)
	}
	password := "Demo-" + strings.ToLower(rand.Text()[:12])
	change := c.command(env, c.bin("starter"), "organisation", "change-password", given.Account)
	change.Stdin, change.Stdout = strings.NewReader(given.Initial+"\n"+password+"\n"), nil
	if err := child.Run(ctx, change); err != nil {
		return "", fmt.Errorf("starter organisation change-password %s: %w", given.Account, err)
	}
	return password, nil
}
