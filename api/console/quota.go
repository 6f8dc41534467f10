package console

func (c *Console) quotaRoutes() []route { return nil }
