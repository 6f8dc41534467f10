package reference

import (
	"strings"
	"testing"
)

const small = `
info: {title: Shop, summary: Sells., description: "One.\n\nTwo\nlines."}
tags: [{name: Tea leaves, description: All of it.}]
paths:
  /tea/{ws}/{id}:
    parameters: [{$ref: '#/components/parameters/ws'}]
    post:
      operationId: buy
      tags: [Tea leaves]
      summary: Buy <tea>
      parameters:
        - {name: id, in: path, schema: {type: string}}
        - {name: dry, in: query, schema: {type: boolean}, example: true}
      requestBody:
        content: {application/json: {schema: {$ref: '#/components/schemas/Order'}}}
      responses:
        '201': {description: Bought., content: {application/json: {schema: {$ref: '#/components/schemas/Order'}}}}
        '404': {$ref: '#/components/responses/None'}
    get:
      operationId: label
      tags: [Tea leaves]
      summary: Print its label
      security: []
      responses:
        '200': {description: A file., headers: {Content-Disposition: {description: Its name.}}, content: {application/pdf: {schema: {type: string}}}}
webhooks:
  tea.drunk:
    post:
      operationId: onDrunk
      tags: [Tea leaves]
      summary: Somebody drank it.
      requestBody:
        content:
          application/json:
            schema: {type: object, required: [type, data], properties: {type: {type: string, enum: [tea.drunk]}, data: {$ref: '#/components/schemas/Person'}}}
      responses: {2XX: {description: Thanks.}}
components:
  parameters: {ws: {name: ws, in: path, required: true, schema: {type: string}}}
  responses: {None: {description: There is none., content: {application/problem+json: {schema: {$ref: '#/components/schemas/Problem', properties: {code: {enum: [no_tea]}}}}}}}
  schemas:
    Order:
      type: object
      required: [grams]
      properties:
        grams: {type: integer, minimum: 1, maximum: 500, examples: [50]}
        note: {type: [string, 'null'], description: 'null: none.', examples: ["Ann's <b>"]}
        gift: {type: boolean}
        for: {oneOf: [{$ref: '#/components/schemas/Person'}, {type: 'null'}]}
        tags: {type: array, items: {type: string}}
    Person: {type: object, properties: {name: {type: string, examples: [Bo]}}}
    Problem: {type: object, properties: {code: {$ref: '#/components/schemas/Code'}}}
    Code: {type: string, enum: [no_tea], x-enumDescriptions: {no_tea: It is sold out.}}
`

func TestAPageShowsCallsFieldsAndExamples(t *testing.T) {
	b, err := Page([]byte(small), "https://shop.example")
	if err != nil {
		t.Fatal(err)
	}
	page := strings.NewReplacer("&#34;", `"`, "&#39;", "'", "&lt;", "<", "&gt;", ">").Replace(string(b))
	for _, want := range []string{
		`<li><a href="#tea-leaves">Tea leaves</a>`, "<p>Two lines.</p>", "export RELEVO_URL=https://shop.example\n",
		"curl -sS \"$RELEVO_URL/tea/$RELEVO_WORKSPACE/$ID?dry=true\" \\\n  -H \"Authorization: Bearer $RELEVO_KEY\" \\\n  -H 'Content-Type: application/json' \\\n" +
			`  -d '{"grams":50,"note":"Ann'\''s <b>","gift":false,"for":{"name":"Bo"},"tags":["…"]}'`,
		"curl -sS -OJ \"$RELEVO_URL/tea/$RELEVO_WORKSPACE/{id}\"</code>",
		"<code>grams</code> <small>integer, 1 to 500, <b>needed</b></small>", "string or null", `<a href="#Person">Person</a> or null`, "list of string",
		`<b>404</b> <a href="#Problem">Problem</a>`, "There is none. <code>no_tea</code>", "<dd>It is sold out.",
		`<h3 id="onDrunk">`, "<code>tea.drunk</code> <span class=\"key\">to your address</span>",
		"<code>type</code> <small>string, tea.drunk, <b>needed</b></small>", "{\n  \"type\": \"tea.drunk\",\n  \"data\": {\n    \"name\": \"Bo\"\n  }\n}</code>", "<b>2XX</b>",
		"{\n  \"grams\": 50,\n", "\"tags\": [\n    \"…\"\n  ]\n}</code>",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %s", want)
		}
	}
	if strings.Contains(string(b), "Buy <tea>") {
		t.Error("what is in the document is taken for HTML")
	}
}

func TestWhatIsNoDocumentIsRefused(t *testing.T) {
	for _, b := range []string{"\t", "paths: 1", "paths: {/x: {get: {tags: 1}}}"} {
		if _, err := Page([]byte(b), ""); err == nil {
			t.Errorf("%q became a page", b)
		}
	}
}
