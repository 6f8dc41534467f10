package console

func (c *Console) attemptRoutes() []route { return nil }
