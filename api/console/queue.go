package console

func (c *Console) queueRoutes() []route { return nil }
