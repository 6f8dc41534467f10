package console

func (c *Console) channelRoutes() []route { return nil }
