package console

func (c *Console) settingsRoutes() []route { return nil }
