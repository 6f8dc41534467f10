package console

func (c *Console) chatRoutes() []route { return nil }
