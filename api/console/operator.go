package console

func (c *Console) operatorRoutes() []route { return nil }
