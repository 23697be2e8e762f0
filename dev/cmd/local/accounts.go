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
	"strings"

	"countersign/dev/internal/child"
)

// cast is who acts in the programme that a stack has.
type cast struct {
	Whole  bool     `json:"whole"`  // the demo's life is there; else something else is
	Keeper string   `json:"keeper"` // gives the others their accounts
	People []player `json:"accounts"`
}

// player is somebody who signs in to the console.
type player struct {
	ID    string `json:"id"`
	About string `json:"about"`
}

// The programme to which nothing has happened, and who acts in it: examples on the command line begin there.
var (
	bareProgramme = []string{"demo/programme.yaml", "dev/accounts.yaml"}
	bareCast      = cast{Keeper: "keeper", People: []player{
		{"li", "Li Na, vendor finance: reviews and pays"},
		{"wang", "Wang Wei, vendor finance and ecosystem manager"},
		{"zhao", "Zhao Min, finance manager: signs, escalations, policies, audit"},
		{"olga", "Olga Ou, vendor operations: policies, calendar, audit"},
		{"alice", "Alice Chen, administrator of partner P1001"},
		{"bob", "Bob Xu of partner P1002, withdrawals"},
	}}
)

// programme lays one in where there is none, and answers who acts in it.
func (c checkout) programme(ctx context.Context, env []string, bare bool) (cast, error) {
	if !bare {
		var found cast
		err := c.ask(ctx, env, &found, "demo", "life", "--if-empty")
		if err == nil && !found.Whole {
			say("the database has another programme, or a part of the demo's: it is left as it is; make clean begins anew")
			found.People = nil
		}
		return found, err
	}
	for _, file := range bareProgramme {
		if err := child.Run(ctx, c.command(env, c.bin("starter"), "load", file)); err != nil {
			return cast{}, fmt.Errorf("starter load %s: %w", file, err)
		}
	}
	return bareCast, nil
}

// ask runs a command of the starter and reads its answer.
func (c checkout) ask(ctx context.Context, env []string, answer any, args ...string) error {
	var out bytes.Buffer
	command := c.command(env, c.bin("starter"), append(args, "--json")...)
	command.Stdout = &out
	err := child.Run(ctx, command)
	if err == nil {
		err = json.Unmarshal(out.Bytes(), answer)
	}
	if err != nil {
		return fmt.Errorf("starter %s: %w\n%s", strings.Join(args, " "), err, out.String())
	}
	return nil
}

// account is a person of the programme with the password that up printed at its first start.
type account struct {
	player
	password string
}

// demoAccounts gives people accounts. What was given is kept in a file that only this user reads, and shown again at later starts.
func (c checkout) demoAccounts(ctx context.Context, env []string, file string, of cast) ([]account, error) {
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
	for _, person := range of.People {
		if passwords[person.ID] == "" {
			if passwords[person.ID], err = c.giveAccount(ctx, env, of.Keeper, person.ID); err != nil {
				return nil, err
			}
			kept = fmt.Appendf(kept, "%s %s\n", person.ID, passwords[person.ID])
			if err := os.WriteFile(file, kept, 0o600); err != nil {
				return nil, err
			}
		}
		accounts = append(accounts, account{person, passwords[person.ID]})
	}
	return accounts, nil
}

// giveAccount gives somebody an account and sets a password of their own, as its first sign-in asks for.
func (c checkout) giveAccount(ctx context.Context, env []string, keeper, person string) (string, error) {
	var given struct {
		Account string `json:"account_name"`
		Initial string `json:"initial_password"`
	}
	if err := c.ask(ctx, env, &given, "person", "account", person, "--as", keeper); err != nil {
		return "", err
	}
	password := "Demo-" + strings.ToLower(rand.Text()[:12])
	change := c.command(env, c.bin("starter"), "organisation", "change-password", given.Account)
	change.Stdin, change.Stdout = strings.NewReader(given.Initial+"\n"+password+"\n"), nil
	if err := child.Run(ctx, change); err != nil {
		return "", fmt.Errorf("starter organisation change-password %s: %w", given.Account, err)
	}
	return password, nil
}
