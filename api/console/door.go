package console

import (
	"cmp"
	"errors"
	"maps"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"relevo/api/console/account"
	"relevo/relay"
)

// doorRoutes are the pages of somebody who is not in yet.
func (c *Console) doorRoutes() []route {
	return []route{
		{pattern: "GET /{$}", access: anybody, page: showHome},
		{pattern: "GET /sign-in", access: anybody, page: showSignIn},
		{pattern: "POST /sign-in", access: anybody, page: signIn},
		{pattern: "POST /sign-out", access: anybody, page: signOut},
		{pattern: "POST /language", access: anybody, page: setLanguage},
		{pattern: "POST /theme", access: anybody, page: setTheme},
		{pattern: "GET /setup/{token}", access: anybody, page: showSetUp},
		{pattern: "POST /setup/{token}", access: anybody, page: setUp},
		{pattern: "GET /join/{token}", access: anybody, page: showJoin},
		{pattern: "POST /join/{token}", access: anybody, page: join},
	}
}

// Workspaces are those that the user may open, by name.
func (p *call) Workspaces() ([]relay.Workspace, error) {
	if p.User.ID == "" {
		return nil, nil
	}
	var all []relay.Workspace
	if !p.User.Operator {
		living, err := p.c.Relay.LiveWorkspaces(p.ctx, maps.Keys(p.User.Roles))
		if err != nil {
			return nil, err
		}
		all = slices.AppendSeq(all, maps.Values(living))
		slices.SortFunc(all, func(a, b relay.Workspace) int { return strings.Compare(a.Name+a.ID, b.Name+b.ID) })
		return all, nil
	}
	list, _, err := p.c.Relay.Store.Workspaces(p.ctx, relay.Page{Limit: 200})
	for _, w := range list {
		if w.DeletedAt.IsZero() {
			all = append(all, w)
		}
	}
	slices.Reverse(all) // the eldest first
	return all, err
}

func isCode(err error, code relay.Code) bool {
	var e *relay.Error
	return errors.As(err, &e) && e.Code == code
}

// showHome leads to the workspace that the user has, or to where they sign in.
func showHome(p *call) error {
	if p.User.ID == "" {
		return errSignIn
	}
	all, err := p.Workspaces()
	if err != nil {
		return err
	}
	if len(all) == 1 {
		return p.goTo("/w/" + all[0].ID)
	}
	return p.show("home", all)
}

func showSignIn(p *call) error {
	if p.User.ID != "" {
		return p.goTo(back(p.query("to")))
	}
	needed, err := p.c.Accounts.NeedsSetUp(p.ctx)
	if err != nil {
		return err
	}
	p.tellWhy()
	return p.show("sign_in", signInData{To: back(p.query("to")), New: needed})
}

// signInData is what the page where one signs in shows.
type signInData struct {
	To, Email string
	// New: nobody has an account yet.
	New bool
}

func signIn(p *call) error {
	data := signInData{To: back(p.field("to")), Email: p.field("email")}
	u, err := p.c.Accounts.SignIn(p.ctx, data.Email, p.r.PostFormValue("password"), p.from())
	if err != nil {
		return p.againDoor(err, "sign_in", data)
	}
	if err := p.begin(u); err != nil {
		return err
	}
	return p.goTo(data.To)
}

func (p *call) from() netip.Addr {
	if p.c.Client == nil {
		return netip.Addr{}
	}
	return p.c.Client(p.r)
}

func signOut(p *call) error {
	if err := p.c.sessions.Destroy(p.ctx); err != nil {
		return err
	}
	return p.goTo("/sign-in")
}

// setLanguage remembers it for the browser and, where somebody is signed in,
// for them.
func setLanguage(p *call) error {
	tag := known(p.field("language"))
	if tag == "" {
		return errNoPage
	}
	http.SetCookie(p.w, &http.Cookie{Name: languageCookie, Value: tag, Path: "/", MaxAge: 365 * 24 * 3600, HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: p.c.secure()})
	if p.User.ID != "" {
		if _, err := p.c.Accounts.Change(p.ctx, p.User.ID, func(u *account.User) error { u.Language = tag; return nil }); err != nil {
			return err
		}
	}
	return p.goTo(back(p.field("to")))
}

// doorFault is the field and the text of what is wrong with a form of the door.
var doorFaults = []struct {
	err        error
	field, key string
	status     int
}{
	{account.ErrWrong, "", "door.wrong", http.StatusUnprocessableEntity},
	{account.ErrTooMany, "", "door.too_many", http.StatusTooManyRequests},
	{account.ErrLink, "", "door.link", http.StatusNotFound},
	{errOperatorKey, "operator_key", "door.operator_key_wrong", http.StatusUnprocessableEntity},
	{account.ErrEmail, "email", "door.email_bad", http.StatusUnprocessableEntity},
	{account.ErrEmailTaken, "email", "door.email_taken", http.StatusUnprocessableEntity},
	{account.ErrShortPassword, "password", "door.password_short", http.StatusUnprocessableEntity},
	{account.ErrLongPassword, "password", "door.password_long", http.StatusUnprocessableEntity},
	{account.ErrPlainPassword, "password", "door.password_plain", http.StatusUnprocessableEntity},
}

// againDoor shows a form of the door once more with what was wrong with it.
func (p *call) againDoor(err error, name string, data any) error {
	for _, f := range doorFaults {
		if !errors.Is(err, f.err) {
			continue
		}
		p.Problem = &Problem{Message: p.T(f.key), Fields: map[string]string{}}
		if f.field != "" {
			p.Problem.Fields[f.field] = p.T(f.key)
		}
		if f.status == http.StatusTooManyRequests {
			p.w.Header().Set("Retry-After", "60")
		}
		return p.showAs(f.status, name, data)
	}
	return err
}

// newcomer is what is shown to, and was filled in by, somebody new.
type newcomer struct {
	Email, Name string
	Invite      account.Invite
	Workspace   string
	// Away from the server's machine, its operator's key is asked for.
	Away bool
	// Zone is where the first workspace keeps its clocks.
	Zone zoneChoice
}

// canSetUp: the link is good until it was used. Away from the server's machine
// it takes the operator's key too, so that whoever reads the link alone does
// not come first. away says which it is.
func canSetUp(p *call) (away bool, err error) {
	opens, err := p.c.Accounts.OpensSetUp(p.ctx, p.r.PathValue("token"))
	if err == nil && !opens {
		err = &relay.Error{Code: relay.CodeNotFound, Message: p.T("door.link")}
	}
	from := p.from()
	return from.IsValid() && !from.Unmap().IsLoopback(), err
}

func showSetUp(p *call) error {
	away, err := canSetUp(p)
	if err != nil {
		return err
	}
	return p.show("setup", newcomer{Away: away, Zone: p.zoneChoice()})
}

func setUp(p *call) error {
	away, err := canSetUp(p)
	if err != nil {
		return err
	}
	n := p.newUser()
	data := newcomer{Email: n.Email, Name: n.Name, Away: away, Zone: p.zoneChoice()}
	if away {
		if err := p.c.Accounts.Guess(p.from()); err != nil {
			return p.againDoor(err, "setup", data)
		}
		if !p.c.IsOperator(p.field("operator_key")) {
			return p.againDoor(errOperatorKey, "setup", data)
		}
	}
	u, err := p.c.Accounts.SetUp(p.ctx, p.r.PathValue("token"), n)
	if err != nil {
		return p.againDoor(err, "setup", data)
	}
	p.takeFirstZone(data.Zone.Chosen)
	if err := p.begin(u); err != nil {
		return err
	}
	return p.done("/", "door.welcome", "Name", cmp.Or(u.Name, u.Email))
}

// errOperatorKey: the set-up link was opened elsewhere, without the key.
var errOperatorKey = errors.New("the operator's key is wrong")

func (p *call) newUser() account.NewUser {
	return account.NewUser{Email: p.field("email"), Name: p.field("name"), Password: p.r.PostFormValue("password"), Language: chosen(p.r)}
}

// invited is the invitation of the path, with the name of its workspace.
func invited(p *call) (newcomer, error) {
	in, err := p.c.Accounts.Invited(p.ctx, p.r.PathValue("token"))
	if errors.Is(err, account.ErrLink) {
		return newcomer{}, &relay.Error{Code: relay.CodeNotFound, Message: p.T("door.link")}
	}
	if err != nil {
		return newcomer{}, err
	}
	w, err := p.c.Relay.Workspace(p.ctx, in.Workspace)
	return newcomer{Email: in.Email, Invite: in, Workspace: w.Name}, err
}

func showJoin(p *call) error {
	data, err := invited(p)
	if err != nil {
		return err
	}
	p.tellWhy()
	return p.show("join", data)
}

func join(p *call) error {
	data, err := invited(p)
	if err != nil {
		return err
	}
	token := p.r.PathValue("token")
	if p.User.ID != "" {
		if _, err := p.c.Accounts.Accept(p.ctx, token, p.User.ID); err != nil {
			return p.againDoor(err, "join", data)
		}
		p.noteJoined(p.User, data.Invite)
		return p.done("/w/"+data.Invite.Workspace, "door.joined", "Workspace", data.Workspace)
	}
	n := p.newUser()
	data.Email, data.Name = n.Email, n.Name
	u, err := p.c.Accounts.Join(p.ctx, token, n)
	if err != nil {
		return p.againDoor(err, "join", data)
	}
	p.noteJoined(u, data.Invite)
	if err := p.begin(u); err != nil {
		return err
	}
	return p.done("/w/"+data.Invite.Workspace, "door.joined", "Workspace", data.Workspace)
}
