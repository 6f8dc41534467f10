package console

func (c *Console) endpointRoutes() []route { return nil }
