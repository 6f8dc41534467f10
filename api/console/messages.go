package console

func (c *Console) messageRoutes() []route { return nil }
