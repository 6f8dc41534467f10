package meta

import (
	"context"

	"relevo/relay"
	"relevo/relay/driver/whatsapp"
)

// fillTemplate makes a template message; a file is its header's.
func (d *Driver) fillTemplate(ctx context.Context, s settings, out relay.Outgoing, m *message) error {
	file, err := d.headerFile(ctx, s, out.File)
	if err != nil {
		return err
	}
	m.Type, m.Template = "template", whatsapp.Fill(out.Template, file)
	return nil
}

// headerFile uploads the header's file; nil without one.
func (d *Driver) headerFile(ctx context.Context, s settings, f *relay.OutgoingFile) (*whatsapp.File, error) {
	if f == nil {
		return nil, nil
	}
	kind, t, fault := d.sendable(f, "")
	if fault != nil {
		return nil, fault
	}
	if kind == relay.Audio {
		return nil, refuse(relay.CodeFileTypeMismatch, "A template's header shows a picture, a video or a document, no audio.")
	}
	id, err := d.upload(ctx, s, f, t)
	if err != nil {
		return nil, err
	}
	return &whatsapp.File{Kind: kind, ID: id, Filename: f.Name}, nil
}
