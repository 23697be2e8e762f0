package condition

import (
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"countersign/domain/money"
)

// A policy may be hostile: what is read, and how deep every recursion goes, is bounded.
const (
	longest = 1000 // characters, as written and as String writes it
	deepest = 50   // brackets open at once
)

// decimal is strict about underscores: 5_0000 is more likely a slip than a number.
var decimal = regexp.MustCompile(`^-?([0-9]+|[0-9]{1,3}(_[0-9]{3})+)(\.[0-9]{1,2})?$`)

// Parse reads a condition over these fields; "" and blanks are the zero Condition. What it refuses, it answers with
// the column, counted in characters, and with what to write.
func Parse(text string, fields []Field) (Condition, error) {
	tokens, err := split(text)
	if err != nil {
		return Condition{}, err
	}
	p := parser{tokens: tokens, fields: fields}
	if p.peek().kind == end {
		return Condition{}, nil
	}
	root, err := p.any(false)
	if err != nil {
		return Condition{}, err
	}
	if p.peek().kind != end {
		return Condition{}, p.peek().misplaced(`"and", "or" or nothing more`)
	}
	c := Condition{root: root}
	if n := utf8.RuneCountInString(c.String()); n > longest { // or String could not be read back
		return Condition{}, p.peek().fail("the condition is too long: written out it has %d characters; shorten it to %d", n, longest)
	}
	return c, nil
}

// parser reads one condition. Its negated parameters say that the part stands under an odd number of "not".
type parser struct {
	tokens []token // the last one is the end
	at     int
	open   int // brackets
	fields []Field
}

func (p *parser) peek() token { return p.tokens[p.at] }

func (p *parser) take() token {
	t := p.peek()
	if t.kind != end {
		p.at++
	}
	return t
}

// accept takes the next token if it is this keyword or symbol.
func (p *parser) accept(text string) bool {
	t := p.peek()
	if t.kind == quoted || !strings.EqualFold(t.text, text) {
		return false
	}
	p.take()
	return true
}

func (p *parser) any(negated bool) (node, error) { return p.list("or", negated, p.all) }

func (p *parser) all(negated bool) (node, error) { return p.list("and", negated, p.one) }

// list reads one part or more with joint between them. Not (a or b) is not a and not b, and the other way round.
func (p *parser) list(joint string, negated bool, part func(negated bool) (node, error)) (node, error) {
	var parts []node
	for {
		n, err := part(negated)
		if err != nil {
			return nil, err
		}
		parts = append(parts, n)
		if p.accept(joint) {
			continue
		}
		if negated {
			joint = map[string]string{"and": "or", "or": "and"}[joint]
		}
		return joined(joint, parts), nil
	}
}

func (p *parser) one(negated bool) (node, error) {
	for p.accept("not") {
		negated = !negated
	}
	bracket := p.peek()
	if !p.accept("(") {
		return p.comparison(negated)
	}
	if p.open++; p.open > deepest {
		return nil, bracket.fail("more than %d brackets are open: write the condition flatter", deepest)
	}
	n, err := p.any(negated)
	if err != nil {
		return nil, err
	}
	if !p.accept(")") {
		return nil, p.peek().misplaced(`"and", "or" or ")"`)
	}
	p.open--
	return n, nil
}

func (p *parser) comparison(negated bool) (node, error) {
	t := p.take()
	names := make([]string, len(p.fields))
	for i, f := range p.fields {
		names[i] = f.Name
	}
	if t.kind != word || isKeyword(t.text) {
		return nil, t.misplaced(`a field, "not" or "("; the fields are: ` + strings.Join(names, ", "))
	}
	i := slices.Index(names, t.text)
	if i < 0 {
		return nil, t.fail("there is no field %q; there are: %s", t.text, strings.Join(names, ", "))
	}
	switch f := p.fields[i]; f.Type {
	case Amount:
		return p.amount(f, negated)
	case Text:
		return p.text(f, negated)
	case Flag:
		return p.flag(f, negated)
	default:
		return nil, t.fail("field %q has the unknown type %q; declare it as amount, text or flag", f.Name, f.Type)
	}
}

func (p *parser) amount(f Field, negated bool) (node, error) {
	t, op := p.peek(), p.operator()
	c, ok := comparisons[op]
	if !ok {
		return nil, t.fail("%s is an amount: compare it with =, !=, <, <=, > or >=", f.Name)
	}
	if negated {
		op = c.opposite
	}
	literal := p.take()
	if literal.kind != word || isKeyword(literal.text) {
		return nil, literal.misplaced("an amount like 50000.00 or 50_000")
	}
	if !decimal.MatchString(literal.text) {
		return nil, literal.fail("%q is not an amount: write it like 50000.00 or 50_000, with at most two decimals", literal.text)
	}
	with, err := money.Parse(strings.ReplaceAll(literal.text, "_", ""))
	if err != nil { // well written, so only its length can be wrong
		return nil, literal.fail("%q is too large for an amount: write at most 18 digits before the point", literal.text)
	}
	return amountTest{field: f, op: op, with: money.Must(with.String())}, nil // 5 and 5.00 become the same
}

func (p *parser) text(f Field, negated bool) (node, error) {
	t, op := p.peek(), p.operator()
	switch op {
	case "=", "!=":
		literal, err := p.literal(f)
		return textTest{field: f, negated: negated != (op == "!="), among: []string{literal}}, err
	case "in", "not in":
		among, err := p.literals(f)
		return textTest{field: f, negated: negated != (op == "not in"), among: among}, err
	default:
		return nil, t.fail("%s is a text: compare it with =, !=, in (...) or not in (...)", f.Name)
	}
}

// literals reads a list in brackets. A text that stands there twice is a slip: another one was meant.
func (p *parser) literals(f Field) ([]string, error) {
	if !p.accept("(") {
		return nil, p.peek().misplaced(`"(" and the texts, with commas between them`)
	}
	var among []string
	for {
		t := p.peek()
		literal, err := p.literal(f)
		if err != nil {
			return nil, err
		}
		if slices.Contains(among, literal) {
			return nil, t.fail("%q stands in this list already: leave it out", literal)
		}
		among = append(among, literal)
		if p.accept(")") {
			return among, nil
		}
		if !p.accept(",") {
			return nil, p.peek().misplaced(`"," or ")"`)
		}
	}
}

func (p *parser) literal(f Field) (string, error) {
	t := p.take()
	if t.kind == end || t.kind == symbol {
		return "", t.misplaced("a text")
	}
	if t.kind == word && isKeyword(t.text) {
		return "", t.misplaced("a text; if this is the text, put it in quotes")
	}
	if !f.allows(t.text) {
		return "", t.fail("%s cannot be %q; it can be: %s", f.Name, t.text, choices(f.Values))
	}
	return t.text, nil
}

func (p *parser) flag(f Field, negated bool) (node, error) {
	if t := p.peek(); p.operator() != "" {
		return nil, t.fail("%s is a flag: write %s or not %s", f.Name, f.Name, f.Name)
	}
	return flagTest{field: f, negated: negated}, nil
}

// operator takes what stands between a field and a literal; "" takes nothing.
func (p *parser) operator() string {
	for _, op := range []string{"=", "!=", "<", "<=", ">", ">=", "in"} {
		if p.accept(op) {
			return op
		}
	}
	if p.accept("==") {
		return "="
	}
	if p.accept("not") {
		if p.accept("in") {
			return "not in"
		}
		p.at--
	}
	return ""
}
