package console

func (c *Console) templateRoutes() []route { return nil }
